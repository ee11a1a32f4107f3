import type { NewTenant } from '../catalog/TenantStore.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { assertTenantId } from '../tenant/tenantId.ts';
import { DatabaseCopyError } from './copy/copyErrors.ts';
import type { Operation, OperationKind } from './operations/Operation.ts';
import type { OperationFilter } from './operations/OperationLedger.ts';
import type { OperationOptions } from './operations/OperationRunner.ts';
import type { OperationStep } from './operations/OperationStep.ts';
import {
  OperationNotFoundError,
  TenantOperationError,
  TenantOperationUnderwayError,
} from './operations/operationErrors.ts';
import { archiveSteps, restoreSteps } from './steps/archiveSteps.ts';
import { cloneSteps } from './steps/cloneSteps.ts';
import { dropSteps } from './steps/dropSteps.ts';
import { importSteps } from './steps/importSteps.ts';
import { moveSteps } from './steps/moveSteps.ts';
import { provisionSteps } from './steps/provisionSteps.ts';
import { renameSteps } from './steps/renameSteps.ts';
import type { ProvisionerParts } from './TenantProvisioner.ts';

/** More than a fleet of processes leaves behind. */
const RECOVERED_AT_ONCE = 1_000;

/** What was and is done to tenants, and what can be done about what stopped halfway. */
export class TenantOperations<T extends Tenant> {
  readonly #parts: ProvisionerParts<T>;

  constructor(parts: ProvisionerParts<T>) {
    this.#parts = parts;
  }

  /** The youngest first. */
  list(filter: OperationFilter = {}): Promise<Operation[]> {
    return this.#parts.ledger.list(filter);
  }

  async resume(id: string, options: OperationOptions = {}): Promise<Operation> {
    const open = await this.#openOf(id, 'go on with');
    return this.#parts.runner.resume(open, this.#stepsOf(open), options);
  }

  async undo(id: string): Promise<Operation> {
    const open = await this.#openOf(id, 'take back');
    return this.#parts.runner.undo(open, this.#stepsOf(open));
  }

  async recover(): Promise<Operation[]> {
    this.#parts.assertOpen();
    const recovered: Operation[] = [];
    for (const open of await this.#parts.ledger.list({ open: true, limit: RECOVERED_AT_ONCE })) {
      if (open.state === 'running') {
        try {
          recovered.push(await this.#parts.runner.resume(open, this.#stepsOf(open)));
        } catch (error) {
          if (error instanceof TenantOperationError) {
            recovered.push(error.operation);
          } else if (!(error instanceof TenantOperationUnderwayError)) {
            throw error;
          }
        }
      }
    }
    return recovered;
  }

  #stepsOf({ kind, request }: Operation): OperationStep[] {
    const tenant = request['tenant'] as NewTenant<T>;
    const steps: Record<OperationKind, () => OperationStep[]> = {
      provision: () => provisionSteps(this.#parts, tenant),
      clone: () => cloneSteps(this.#parts, tenant),
      import: () => importSteps(this.#parts, tenant, { format: 'json', open: () => this.#noFile(tenant) }),
      move: () => moveSteps(this.#parts),
      archive: () => archiveSteps(this.#parts),
      restore: () => restoreSteps(this.#parts),
      drop: () => dropSteps(this.#parts),
      rename: () => renameSteps(this.#parts),
    };
    return steps[kind]();
  }

  #noFile(tenant: NewTenant<T>): never {
    const { id } = tenant as NewTenant<Tenant>;
    throw new DatabaseCopyError(id, 'its file is known to nobody but the caller of `import`. Call that again.');
  }

  async #openOf(id: string, what: string): Promise<Operation> {
    this.#parts.assertOpen();
    assertTenantId(id);
    const open = await this.#parts.ledger.open(id);
    if (open === undefined) {
      throw new OperationNotFoundError(id, what);
    }
    return open;
  }
}
