import type { Readable, Writable } from 'node:stream';
import type { NewTenant } from '../catalog/TenantStore.ts';
import type { CentralDatabase } from '../central/CentralDatabase.ts';
import type { PostgresServer } from '../connections/PostgresServer.ts';
import type { LentConnection } from '../connections/TenantPool.ts';
import { TenancyConfigurationError, TenantConflictError, TenantNotFoundError } from '../errors.ts';
import type { TenancyEmitter } from '../events.ts';
import { assertDatabaseName } from '../tenant/databaseName.ts';
import { serverOf, statusOf, type Tenant, type TenantStatus } from '../tenant/Tenant.ts';
import { assertTenantId } from '../tenant/tenantId.ts';
import { DatabaseCopyError } from './copy/copyErrors.ts';
import { WrittenStream } from './copy/WrittenStream.ts';
import { adminOf, type LifeParts } from './LifeParts.ts';
import { dropLeftovers, type Leftover } from './leftovers.ts';
import type { Operation, OperationData, OperationKind } from './operations/Operation.ts';
import type { OperationFilter, OperationLedger } from './operations/OperationLedger.ts';
import type { OperationOptions, OperationRunner } from './operations/OperationRunner.ts';
import type { OperationStep } from './operations/OperationStep.ts';
import {
  OperationNotFoundError,
  TenantOperationError,
  TenantOperationUnderwayError,
} from './operations/operationErrors.ts';
import { placeTenant } from './placement.ts';
import { TenantStatusError } from './provisioningErrors.ts';
import { archiveSteps, restoreSteps, WHOLE } from './steps/archiveSteps.ts';
import { cloneSteps } from './steps/cloneSteps.ts';
import { dropSteps } from './steps/dropSteps.ts';
import { importSteps } from './steps/importSteps.ts';
import { moveSteps } from './steps/moveSteps.ts';
import { provisionSteps } from './steps/provisionSteps.ts';
import { renameSteps } from './steps/renameSteps.ts';

export interface ProvisionOptions extends OperationOptions {
  /** Only servers of this region, as `placement.servers` says. @default any */
  readonly region?: string | undefined;
}

/** A line of JSON for each row, or what `pg_dump` writes in its custom format. */
export type ExportFormat = 'json' | 'dump';

export interface ExportOptions {
  /** @default 'json' */
  readonly format?: ExportFormat | undefined;
  /** Tables whose rows are left out, as `public.session`. @default none */
  readonly without?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ImportOptions extends ProvisionOptions {
  /** @default 'json' */
  readonly format?: ExportFormat | undefined;
}

export interface ArchiveOptions extends OperationOptions {
  /** After how long `prune` drops it, in milliseconds. @default `provisioning.keepArchivedMs` */
  readonly keepMs?: number | undefined;
}

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

/** More than a fleet of processes leaves behind. */
const RECOVERED_AT_ONCE = 1_000;

/** A tenant's life: created, copied, moved, closed and dropped, each in steps that are written down. */
export class TenantProvisioner<T extends Tenant = Tenant> {
  readonly #parts: ProvisionerParts<T>;

  /** @internal */
  constructor(parts: ProvisionerParts<T>) {
    this.#parts = parts;
  }

  async provision(tenant: NewTenant<T>, options: ProvisionOptions = {}): Promise<T> {
    const { spares, admins } = this.#parts;
    const { id } = this.#checked(tenant);
    const request = { tenant, region: options.region };
    await this.#assertNew(id);
    const data = { ...(await this.#newData(tenant, options.region)), mayBeSpare: spares !== undefined };
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
    const { id: newId } = this.#checked(tenant);
    await this.#assertNew(newId);
    const from = { server: serverOf(source), database: source.database };
    const data = { ...(await this.#newData(tenant, options.region)), from };
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
    const { id } = this.#checked(tenant);
    await this.#assertNew(id);
    const data = await this.#newData(tenant, options.region);
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
    const { central } = this.#parts;
    this.#assertCentral('rename');
    assertTenantId(newId);
    if (!(await this.#isOpen(id))) {
      await this.#find(id);
    }
    await this.#start('rename', id, { request: { newId }, data: { newId } }, renameSteps(this.#parts), options);
    await central?.change([newId], async () => {});
    return this.#find(newId);
  }

  async move(id: string, { to, ...options }: MoveOptions): Promise<T> {
    const { names, admins } = this.#parts;
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

  operations(filter: OperationFilter = {}): Promise<Operation[]> {
    return this.#parts.ledger.list(filter);
  }

  async resumeOperation(id: string, options: OperationOptions = {}): Promise<Operation> {
    const open = await this.#openOf(id, 'go on with');
    return this.#parts.runner.resume(open, this.#stepsOf(open), options);
  }

  async undoOperation(id: string): Promise<Operation> {
    const open = await this.#openOf(id, 'take back');
    return this.#parts.runner.undo(open, this.#stepsOf(open));
  }

  async recoverOperations(): Promise<Operation[]> {
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

  /** The central database finds out by itself, when the row is written. */
  async #assertNew(id: string): Promise<void> {
    if (this.#parts.central === undefined && (await this.#parts.catalog.find(id)) !== undefined) {
      throw new TenantConflictError(id, 'the id');
    }
  }

  #checked(tenant: NewTenant<T>): { readonly id: string } {
    this.#parts.assertOpen();
    const { id, status } = tenant as NewTenant<Tenant>;
    assertTenantId(id);
    if (status !== undefined && !WHOLE.includes(status)) {
      throw new TenancyConfigurationError(`Tenant "${id}" cannot begin as ${JSON.stringify(status)}.`, {
        tenantId: id,
      });
    }
    return { id };
  }

  async #newData(tenant: NewTenant<T>, region: string | undefined) {
    const { roles, names, templates } = this.#parts;
    const place = await this.#place(tenant, region);
    return {
      ...place,
      ...{ made: names.made(), isSpare: false, mayBeSpare: false },
      role: roles?.nameFor((tenant as NewTenant<Tenant>).id) ?? null,
      template: await templates.get(place.server)?.hash(),
    };
  }

  async #place(
    tenant: NewTenant<T>,
    region: string | undefined,
  ): Promise<{ readonly server: string; readonly database: string }> {
    const { options, admins, names } = this.#parts;
    const { id, database = options.databaseName(id), server } = tenant as NewTenant<Tenant>;
    assertDatabaseName(database, id);
    if (database.startsWith(names.prefix)) {
      throw new TenancyConfigurationError(
        `Tenant "${id}": "${names.prefix}" begins the names of this library's own databases.`,
        { tenantId: id },
      );
    }
    if (server !== undefined && !admins.has(server)) {
      throw new TenancyConfigurationError(
        `Tenant "${id}": the server "${server}" is none of \`servers\` (${[...admins.keys()].join(', ')}).`,
        { tenantId: id },
      );
    }
    return { database, server: server ?? (await this.#serverFor(id, region)) };
  }

  async #serverFor(id: string, region: string | undefined): Promise<string> {
    const { options, admins, central } = this.#parts;
    const servers = [...admins.keys()];
    if (servers.length > 1 && central === undefined && options.placement.choose === undefined) {
      throw new TenancyConfigurationError(
        `Tenant "${id}": name its \`server\`, or give \`placement.choose\`: without a central database nobody knows how full they are.`,
        { tenantId: id },
      );
    }
    if (servers.length === 1 && options.placement.choose === undefined && options.placement.servers === undefined) {
      return servers[0] as string;
    }
    const rows = await central?.sql<{ server: string; count: number }>(
      'select server, count(*)::int as count from tenancy_tenants group by server',
      [],
    );
    const tenants = new Map(rows?.map((row) => [row.server, row.count]));
    return placeTenant({ id, region, options: options.placement, servers, tenants });
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

  /** In one transaction: an operation that begins at the same time comes before or after it. */
  async #become(id: string, verb: string, status: TenantStatus, from: readonly TenantStatus[] = WHOLE): Promise<T> {
    const { central } = this.#parts;
    this.#assertCentral(verb);
    await this.#find(id);
    const whole = central as CentralDatabase<T>;
    await whole.change([id], async (em) => {
      const [row] = await whole.sql<{ readonly status: TenantStatus; readonly open: OperationKind | null }>(
        `select status, (select kind from tenancy_operations where tenant_id = tenancy_tenants.id and state in ('running', 'failed')) as open
         from tenancy_tenants where id = ? for update`,
        [id],
        em,
      );
      if (row === undefined) {
        throw new TenantNotFoundError(id);
      }
      if (row.open !== null || !from.includes(row.status)) {
        const instead = row.open === null ? 'Look at its status first.' : `Its ${row.open} is not over.`;
        throw new TenantStatusError(id, row.status, verb, instead);
      }
      await whole.tenants.setStatus(id, status, { em });
    });
    return this.#find(id);
  }

  #assertCentral(verb: string): void {
    if (this.#parts.central === undefined) {
      throw new TenancyConfigurationError(
        `\`${verb}\` changes the catalogue, which is the central database's to keep. Give \`central\` to \`TenantOrmManager.init\`.`,
      );
    }
  }
}
