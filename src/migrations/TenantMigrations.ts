import { systemClock } from '../connections/Clock.ts';
import type { PostgresServer } from '../connections/PostgresServer.ts';
import { sessionWith, type TenantSession } from '../connections/SessionSettings.ts';
import type { MigrationServer } from '../connections/TenantDatabases.ts';
import type { EndablePool } from '../connections/TenantPool.ts';
import type { TenancyEmitter } from '../events.ts';
import type { OrmPlace } from '../orm/OpenTenants.ts';
import type { OrmTemplate } from '../orm/OrmTemplate.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { migrationsTable } from './executedMigrations.ts';
import { FleetMigrator } from './fleet/FleetMigrator.ts';
import type { FleetLedger } from './fleet/RunLedger.ts';
import type { TenantsToSelect } from './fleet/selectTenants.ts';
import { VersionGate } from './gate/VersionGate.ts';
import type { CheckedVersionGate } from './gate/VersionGateOptions.ts';
import { KeyedQueue } from './KeyedQueue.ts';
import { FleetStatusReader } from './status/FleetStatusReader.ts';
import { TenantMigrator } from './TenantMigrator.ts';

export interface TenantMigrationsParts<T extends Tenant> {
  readonly template: OrmTemplate;
  readonly events: TenancyEmitter;
  readonly servers: ReadonlyMap<string, PostgresServer>;
  readonly catalog: TenantsToSelect<T>;
  /** Where runs are written down; `undefined` without a central database. */
  readonly ledger: FleetLedger | undefined;
  /** Resolves the tenant, or rejects. */
  readonly find: (id: string) => Promise<T>;
  readonly placeFor: (tenant: T, purpose: string) => OrmPlace & { readonly server: MigrationServer };
  readonly serverOf: (tenant: T) => PostgresServer;
  /** Throws once the manager is closed. */
  readonly assertOpen: () => void;
  readonly lockTimeoutMs: number;
  readonly gate: { readonly options: CheckedVersionGate; readonly required: readonly string[] } | undefined;
}

/** How long a statement of a migration on access waits for a lock, since others wait for the same lock behind it. */
const GATE_LOCK_TIMEOUT_MS = 3_000;

/** How long a status that is cut off may take to drop the database that it has built. */
const LAST_STEPS_MS = 1_000;

/** Everything about migrations that a manager has: for one tenant, for all of them, and before a tenant is used. */
export class TenantMigrations<T extends Tenant> {
  readonly fleet: FleetMigrator<T>;
  readonly gate: VersionGate | undefined;
  readonly #parts: TenantMigrationsParts<T>;
  readonly #status: FleetStatusReader<T>;
  readonly #queue = new KeyedQueue();
  readonly #pools = new Set<EndablePool>();

  constructor(parts: TenantMigrationsParts<T>) {
    this.#parts = parts;
    const { template, events, gate, ledger } = parts;
    this.gate =
      gate &&
      new VersionGate({
        ...gate,
        events,
        table: migrationsTable(template.orm),
        migrate: (id, to) => this.of(id, sessionWith({ lockTimeoutMs: GATE_LOCK_TIMEOUT_MS })).up({ to }),
      });
    this.#status = new FleetStatusReader<T>({
      ...parts,
      recorded: ledger && ((tenantIds) => ledger.checksums(tenantIds)),
      track: (pool) => this.track(pool),
    });
    this.fleet = new FleetMigrator<T>({
      ...parts,
      status: this.#status,
      clock: systemClock,
      migrator: (id) => this.of(id),
    });
  }

  /** `session`: settings of its sessions that migrate. */
  of(id: string, session?: TenantSession): TenantMigrator {
    return this.ofTenant(id, () => this.#parts.find(id), session);
  }

  /** The same for a tenant that `find` gives, which need not be the catalogue. */
  ofTenant(id: string, find: () => Promise<T>, session?: TenantSession): TenantMigrator {
    const { template, events, placeFor, lockTimeoutMs } = this.#parts;
    return new TenantMigrator({
      ...{ template, events, lockTimeoutMs, session },
      target: async () => {
        const tenant = await find();
        return { tenant, ...placeFor(tenant, 'migrations') };
      },
      // Also where it failed: what no transaction holds may have come through.
      inTurn: (work) => this.#queue.run(id, work).finally(() => this.gate?.forget(id)),
      track: (pool) => this.track(pool),
    });
  }

  async close(timeoutMs: number): Promise<void> {
    this.gate?.close();
    await Promise.all([...this.#pools].map((pool) => pool.close('manager closed', timeoutMs)));
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = systemClock.schedule(LAST_STEPS_MS, resolve);
    await Promise.race([this.#status.idle(), late]);
    cancel();
  }

  /** Has the manager's end wait for the pool, and cut it off. */
  track(pool: EndablePool): () => void {
    this.#pools.add(pool);
    return () => this.#pools.delete(pool);
  }
}
