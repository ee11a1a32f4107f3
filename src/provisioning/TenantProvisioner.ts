import type { Readable, Writable } from 'node:stream';
import type { NewTenant } from '../catalog/TenantStore.ts';
import type { CentralDatabase } from '../central/CentralDatabase.ts';
import type { PostgresServer } from '../connections/PostgresServer.ts';
import type { LentConnection } from '../connections/TenantPool.ts';
import { TenancyConfigurationError, TenantNotFoundError } from '../errors.ts';
import type { TenancyEmitter } from '../events.ts';
import { TenantSecretMissingError } from '../secrets/secretErrors.ts';
import { serverOf, statusOf, type Tenant, type TenantStatus } from '../tenant/Tenant.ts';
import { assertTenantId } from '../tenant/tenantId.ts';
import { WrittenStream } from './copy/WrittenStream.ts';
import { adminOf, type LifeParts } from './LifeParts.ts';
import { dropLeftovers, type Leftover } from './leftovers.ts';
import { NewTenants } from './NewTenants.ts';
import type { Operation, OperationData, OperationKind } from './operations/Operation.ts';
import type { OperationLedger } from './operations/OperationLedger.ts';
import type { OperationOptions, OperationRunner } from './operations/OperationRunner.ts';
import type { OperationStep } from './operations/OperationStep.ts';
import { TenantStatusError } from './provisioningErrors.ts';
import { setTenantStatus } from './setTenantStatus.ts';
import { archiveSteps, restoreSteps, WHOLE } from './steps/archiveSteps.ts';
import { cloneSteps } from './steps/cloneSteps.ts';
import { dropSteps } from './steps/dropSteps.ts';
import { importSteps } from './steps/importSteps.ts';
import { moveSteps } from './steps/moveSteps.ts';
import { provisionSteps } from './steps/provisionSteps.ts';
import { renameSteps } from './steps/renameSteps.ts';
import { TenantOperations } from './TenantOperations.ts';

/** Options of {@link TenantOrmManager.provision}, and of what else makes a tenant. */
export interface ProvisionOptions extends OperationOptions {
  /** Only servers of this region, as `placement.servers` says. @default any */
  readonly region?: string | undefined;
}

/** A line of JSON for each row, or what `pg_dump` writes in its custom format. */
export type ExportFormat = 'json' | 'dump';

/** Options of {@link TenantOrmManager.export}. */
export interface ExportOptions {
  /** @default 'json' */
  readonly format?: ExportFormat | undefined;
  /** Tables whose rows are left out, as `public.session`. @default none */
  readonly without?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link TenantOrmManager.import}. */
export interface ImportOptions extends ProvisionOptions {
  /** @default 'json' */
  readonly format?: ExportFormat | undefined;
}

/** Options of {@link TenantOrmManager.archive}. */
export interface ArchiveOptions extends OperationOptions {
  /** After how long `prune` drops it, in milliseconds. @default `provisioning.keepArchivedMs` */
  readonly keepMs?: number | undefined;
}

/** Options of {@link TenantOrmManager.move}. */
export interface MoveOptions extends OperationOptions {
  /** The server that the tenant comes to. */
  readonly to: string;
}

/** What `prune` has dropped. */
export interface PruneReport {
  readonly leftovers: readonly Leftover[];
  /** Archived tenants whose time was over. */
  readonly tenants: readonly string[];
  readonly templates: readonly string[];
}

export interface ProvisionerParts<T extends Tenant> extends LifeParts<T> {
  readonly ledger: OperationLedger;
  readonly runner: OperationRunner;
  readonly events: TenancyEmitter;
  /** Runs `work` on a direct session of a tenant's database. */
  readonly inDatabase: <R>(
    server: PostgresServer,
    tenantId: string,
    database: string,
    work: (session: LentConnection) => Promise<R>,
  ) => Promise<R>;
  /** Throws once the manager is closed. */
  readonly assertOpen: () => void;
}

/** A tenant's life: created, copied, moved, closed and dropped, each in steps that are written down. */
export class TenantProvisioner<T extends Tenant = Tenant> {
  readonly #parts: ProvisionerParts<T>;
  readonly operations: TenantOperations<T>;
  readonly #new: NewTenants<T>;

  /** @internal */
  constructor(parts: ProvisionerParts<T>) {
    this.#parts = parts;
    this.operations = new TenantOperations(parts);
    this.#new = new NewTenants(parts);
  }

  async provision(tenant: NewTenant<T>, options: ProvisionOptions = {}): Promise<T> {
    const { spares, admins } = this.#parts;
    this.#parts.assertOpen();
    const { id } = tenant as NewTenant<Tenant>;
    const request = { tenant, region: options.region };
    const data = { ...(await this.#new.dataOf(tenant, options.region)), mayBeSpare: spares !== undefined };
    // Its session opens while the row is written.
    admins.get(data.server)?.warm();
    const operation = await this.#start(
      'provision',
      id,
      { request, data },
      provisionSteps(this.#parts, tenant),
      options,
    );
    if (operation.data['isSpare'] === true) {
      spares?.taken();
    }
    return this.#tenantOf(id, operation.data);
  }

  async clone(id: string, tenant: NewTenant<T>, options: ProvisionOptions = {}): Promise<T> {
    const source = await this.#find(id);
    if (!WHOLE.includes(statusOf(source))) {
      throw new TenantStatusError(id, statusOf(source), 'clone', 'Only a tenant with a whole database can be copied.');
    }
    const { id: newId } = tenant as NewTenant<Tenant>;
    const from = { server: serverOf(source), database: source.database };
    const data = { ...(await this.#new.dataOf(tenant, options.region)), from };
    const request = { from: id, tenant, region: options.region };
    const operation = await this.#start('clone', newId, { request, data }, cloneSteps(this.#parts, tenant), options);
    return this.#tenantOf(newId, operation.data);
  }

  async export(id: string, to: Writable, { format = 'json', without, signal }: ExportOptions = {}): Promise<void> {
    const stream = new WrittenStream(to);
    const tenant = await this.#find(id);
    if (!WHOLE.includes(statusOf(tenant))) {
      throw new TenantStatusError(id, statusOf(tenant), 'export', 'An archived tenant is restored first.');
    }
    const { copier } = this.#parts;
    const { server } = adminOf(this.#parts, serverOf(tenant));
    const run = { tenantId: id, place: { server, database: tenant.database }, without, signal };
    await (format === 'json' ? copier.exportJson(run, stream) : copier.exportDump(run, stream));
  }

  async import(
    tenant: NewTenant<T>,
    open: () => Readable | Promise<Readable>,
    { format = 'json', ...options }: ImportOptions = {},
  ): Promise<T> {
    this.#parts.assertOpen();
    const { id } = tenant as NewTenant<Tenant>;
    const data = await this.#new.dataOf(tenant, options.region);
    const request = { tenant, region: options.region, format };
    const steps = importSteps(this.#parts, tenant, { format, open });
    const operation = await this.#start('import', id, { request, data }, steps, options);
    return this.#tenantOf(id, operation.data);
  }

  suspend(id: string): Promise<T> {
    return this.#become(id, 'suspend', 'suspended');
  }

  resume(id: string): Promise<T> {
    return this.#become(id, 'resume', 'active');
  }

  readonly(id: string): Promise<T> {
    return this.#become(id, 'readonly', 'readonly');
  }

  maintenance(id: string): Promise<T> {
    return this.#become(id, 'maintenance', 'maintenance');
  }

  async archive(
    id: string,
    { keepMs = this.#parts.options.keepArchivedMs, ...options }: ArchiveOptions = {},
  ): Promise<T> {
    this.#assertCentral('archive');
    const tenant = await this.#find(id);
    const data = { ...(await this.#placed(tenant)), dropAfter: new Date(Date.now() + keepMs).toISOString() };
    await this.#start('archive', id, { request: {}, data }, archiveSteps(this.#parts), options);
    return this.#find(id);
  }

  async restore(id: string, options: OperationOptions = {}): Promise<T> {
    this.#assertCentral('restore');
    const tenant = await this.#find(id);
    const archived = await this.#archiveOf(id);
    const data = { ...(await this.#placed(tenant)), becomes: archived?.data['was'] ?? 'active' };
    await this.#start('restore', id, { request: {}, data }, restoreSteps(this.#parts), options);
    return this.#find(id);
  }

  async drop(id: string, options: OperationOptions = {}): Promise<void> {
    const tenant = await this.#find(id);
    await this.#start('drop', id, { request: {}, data: await this.#placed(tenant) }, dropSteps(this.#parts), options);
  }

  async rename(id: string, newId: string, options: OperationOptions = {}): Promise<T> {
    const central = this.#assertCentral('rename');
    assertTenantId(newId);
    if (!(await this.#isOpen(id))) {
      await this.#find(id);
    }
    await this.#start('rename', id, { request: { newId }, data: { newId } }, renameSteps(this.#parts), options);
    await central.change([newId], async () => {});
    return this.#find(newId);
  }

  async move(id: string, { to, ...options }: MoveOptions): Promise<T> {
    const { names, admins, roles } = this.#parts;
    this.#assertCentral('move');
    if (!admins.has(to)) {
      throw new TenancyConfigurationError(
        `There is no server ${JSON.stringify(to)} to move to, only ${[...admins.keys()].join(', ')}.`,
      );
    }
    const tenant = await this.#find(id);
    const placed = await this.#placed(tenant);
    if (placed.server === to && !(await this.#isOpen(id))) {
      throw new TenancyConfigurationError(`Tenant "${id}" is on the server "${to}" already.`, { tenantId: id });
    }
    if (roles !== undefined && placed.role === null) {
      throw new TenantSecretMissingError(id);
    }
    const data = { ...placed, to, made: names.made(), left: names.left() };
    await this.#start('move', id, { request: { to }, data }, moveSteps(this.#parts), options);
    return this.#find(id);
  }

  async rotatePassword(id: string): Promise<void> {
    const { roles, events } = this.#parts;
    if (roles === undefined) {
      throw new TenancyConfigurationError(
        'Tenants have no roles of their own. Give `roles` to `TenantOrmManager.init`.',
      );
    }
    const tenant = await this.#find(id);
    const open = await this.#parts.ledger.open(id);
    if (open !== undefined) {
      // It may be making the role on another server, with the password of before.
      throw new TenantStatusError(id, statusOf(tenant), 'rotatePassword', `Its ${open.kind} is not over.`);
    }
    const admin = adminOf(this.#parts, serverOf(tenant));
    const { database } = tenant;
    const role = await roles.roleOf(id);
    if (role === undefined) {
      await this.#parts.inDatabase(admin.server, id, database, (session) => roles.prepare(session));
      await roles.create(id, { admin, role: roles.nameFor(id), database });
    } else {
      await roles.rotate(id, admin);
    }
    events.emit('tenant:password-rotated', { tenantId: id });
  }

  async prune(): Promise<PruneReport> {
    const { templates, ledger } = this.#parts;
    this.#parts.assertOpen();
    const leftovers = await dropLeftovers(this.#parts);
    const tenants: string[] = [];
    for (const { tenantId } of await ledger.due()) {
      await this.drop(tenantId);
      tenants.push(tenantId);
    }
    const pruned = await Promise.all([...templates.values()].map((template) => template.prune()));
    return { leftovers, tenants, templates: pruned.flat() };
  }

  async fillSpares(): Promise<Readonly<Record<string, number>>> {
    this.#parts.assertOpen();
    const { spares } = this.#parts;
    await spares?.fill();
    return (await spares?.ready()) ?? {};
  }

  #start(
    kind: OperationKind,
    tenantId: string,
    { request, data }: { readonly request: OperationData; readonly data: OperationData },
    steps: readonly OperationStep[],
    { signal, onFailure }: OperationOptions,
  ): Promise<Operation> {
    this.#parts.assertOpen();
    return this.#parts.runner.start({ kind, tenantId, request, data }, steps, { signal, onFailure });
  }

  async #isOpen(id: string): Promise<boolean> {
    return (await this.#parts.ledger.open(id)) !== undefined;
  }

  async #find(id: string): Promise<T> {
    this.#parts.assertOpen();
    assertTenantId(id);
    const tenant = await this.#parts.catalog.find(id);
    if (tenant === undefined) {
      throw new TenantNotFoundError(id);
    }
    return tenant;
  }

  async #tenantOf(id: string, { server, database }: OperationData): Promise<T> {
    const { central } = this.#parts;
    return central === undefined ? ({ id, server, database } as unknown as T) : this.#find(id);
  }

  async #placed(tenant: T) {
    const { roles } = this.#parts;
    return {
      server: serverOf(tenant),
      database: tenant.database,
      was: statusOf(tenant),
      role: (await roles?.roleOf(tenant.id)) ?? null,
    };
  }

  async #archiveOf(id: string): Promise<Operation | undefined> {
    const operations = await this.#parts.ledger.list({ tenantId: id });
    return operations.find(({ kind, state }) => kind === 'archive' && state === 'done');
  }

  async #become(id: string, verb: string, to: TenantStatus): Promise<T> {
    const central = this.#assertCentral(verb);
    await this.#find(id);
    await setTenantStatus(central, id, { verb, to });
    return this.#find(id);
  }

  #assertCentral(verb: string): CentralDatabase<T> {
    const { central } = this.#parts;
    if (central === undefined) {
      throw new TenancyConfigurationError(
        `\`${verb}\` changes the catalogue, which is the central database's to keep. Give \`central\` to \`TenantOrmManager.init\`.`,
      );
    }
    return central;
  }
}
