import type { TenantCatalog } from '../catalog/TenantCatalog.ts';
import type { CentralDatabase } from '../central/CentralDatabase.ts';
import { systemClock } from '../connections/Clock.ts';
import type { PostgresServer } from '../connections/PostgresServer.ts';
import type { LentConnection } from '../connections/TenantPool.ts';
import { ManagerClosedError } from '../errors.ts';
import type { TenancyEmitter } from '../events.ts';
import { directSession } from '../migrations/directSession.ts';
import { migrationsTable } from '../migrations/executedMigrations.ts';
import type { TenantMigrations } from '../migrations/TenantMigrations.ts';
import type { OrmTemplate } from '../orm/OrmTemplate.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { DatabaseCopier } from './copy/DatabaseCopier.ts';
import { DatabaseAdmin } from './DatabaseAdmin.ts';
import { DatabaseNames } from './databaseNames.ts';
import type { LifeParts } from './LifeParts.ts';
import { DatabaseOperationLedger } from './operations/DatabaseOperationLedger.ts';
import { MemoryOperationLedger } from './operations/MemoryOperationLedger.ts';
import { OperationRunner } from './operations/OperationRunner.ts';
import type { CheckedProvisioning } from './ProvisioningOptions.ts';
import type { CheckedRoles } from './roles/RolesOptions.ts';
import type { TenantCredentials } from './roles/TenantCredentials.ts';
import { TenantRoles } from './roles/TenantRoles.ts';
import { SpareDatabases } from './SpareDatabases.ts';
import { TemplateDatabase } from './TemplateDatabase.ts';
import { TenantProvisioner } from './TenantProvisioner.ts';

export interface ProvisioningParts<T extends Tenant> extends Pick<LifeParts<T>, 'asTenant' | 'evict'> {
  readonly options: CheckedProvisioning<T>;
  readonly central: CentralDatabase<T> | undefined;
  readonly catalog: TenantCatalog<T>;
  readonly servers: ReadonlyMap<string, PostgresServer>;
  readonly template: OrmTemplate;
  readonly events: TenancyEmitter;
  readonly migrations: TenantMigrations<T>;
  readonly lockTimeoutMs: number;
  readonly roles: { readonly options: CheckedRoles; readonly credentials: TenantCredentials } | undefined;
  readonly assertOpen: () => void;
}

/** The provisioner of a manager, and how it ends. */
export interface Provisioning<T extends Tenant> {
  readonly provisioner: TenantProvisioner<T>;
  /** Lets a step that is under way finish, for `timeoutMs`; then connections are cut. Never hangs. */
  close(timeoutMs: number): Promise<void>;
}

/** For applications without a central database, whose name tells them apart. */
const NO_CENTRAL = 'default';

export function buildProvisioner<T extends Tenant>(parts: ProvisioningParts<T>): Provisioning<T> {
  const { options, central, servers, template: orm, events, migrations, lockTimeoutMs } = parts;
  const names = new DatabaseNames(central?.database ?? NO_CENTRAL);
  const admins = new Map([...servers].map(([name, server]) => [name, new DatabaseAdmin(server)]));
  const track = migrations.track.bind(migrations);
  const roles = parts.roles && new TenantRoles({ ...parts.roles, migrationsTable: migrationsTable(orm.orm) });
  const prepare = roles && ((session: LentConnection) => roles.prepare(session));
  const templates = new Map(
    [...admins].map(([name, admin]) => [
      name,
      new TemplateDatabase({
        admin,
        names,
        orm,
        options: options.template,
        prepare,
        prepared: roles?.group ?? '',
        track,
        lockTimeoutMs,
      }),
    ]),
  );
  const spares =
    options.spares &&
    central &&
    new SpareDatabases({
      ...{ admins, templates, names, events, clock: systemClock, options: options.spares },
      central: central as unknown as CentralDatabase<Tenant>,
    });
  const closing = new AbortController();
  const ledger =
    central === undefined
      ? new MemoryOperationLedger()
      : new DatabaseOperationLedger(central as unknown as CentralDatabase<Tenant>, options.leaseMs);
  const runner = new OperationRunner({ ledger, events, heartbeatMs: options.leaseMs / 3, closing: closing.signal });
  const provisioner = new TenantProvisioner<T>({
    ...parts,
    ...{ admins, templates, names, spares, ledger, runner, roles, prepare },
    copier: new DatabaseCopier({ orm, prepare, track, lockTimeoutMs, options: options.copy }),
    inDatabase: (server, tenantId, database, work) => directSession({ server, tenantId, database, track }, work),
    migratorOf: (tenant) => migrations.ofTenant(tenant.id, async () => tenant),
  });
  spares?.start();
  return {
    provisioner,
    async close(timeoutMs) {
      closing.abort(new ManagerClosedError());
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const cancel = systemClock.schedule(timeoutMs, resolve);
      await Promise.race([Promise.all([runner.idle(), spares?.close()]), late]);
      cancel();
      await Promise.all([...admins.values()].map((admin) => admin.close(0)));
    },
  };
}
