import type { PGlite } from '@electric-sql/pglite';
import type { ConnectionAccount } from '../connections/ConnectionAccount.ts';
import { ConnectionBudget } from '../connections/ConnectionBudget.ts';
import type { ConnectionBudgetLimits } from '../connections/ConnectionBudgetLimits.ts';
import type { AccountOf, PostgresServerStats } from '../connections/PostgresServer.ts';
import type { MigrationServer, OpenDatabases, PoolsOf } from '../connections/TenantDatabases.ts';
import { TenantPool } from '../connections/TenantPool.ts';
import { TenantPools } from '../connections/TenantPools.ts';
import { Turns } from '../connections/Turns.ts';
import type { TenancyEmitter } from '../events.ts';
import { FileAccounts, type FileConnectionListener, type FileOf } from '../files/FileAccounts.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { PgliteConnection } from './PgliteConnection.ts';

export interface PgliteServerParts {
  readonly kind: string;
  readonly limits: ConnectionBudgetLimits;
  readonly maxMigrations: number;
  readonly events: TenancyEmitter;
  /** Opens the PGlite of a database that is there, and says what frees it once that is closed. */
  readonly open: (of: FileOf) => Promise<{ readonly pglite: PGlite; readonly closed: () => Promise<void> }>;
}

/**
 * The PGlites of one manager. A tenant has one, which is opened, used and closed before it is opened again: its migrations
 * have it for themselves meanwhile, which is why they need no other lock.
 */
export class PgliteServer implements OpenDatabases, MigrationServer {
  readonly migrations: Turns;
  readonly #parts: PgliteServerParts;
  readonly #budget: ConnectionBudget<PgliteConnection>;
  readonly #accounts: FileAccounts<PgliteConnection>;

  constructor(parts: PgliteServerParts) {
    this.#parts = parts;
    this.migrations = new Turns(parts.maxMigrations);
    this.#budget = new ConnectionBudget(parts.limits);
    this.#accounts = new FileAccounts({ ...parts, open: (of, listener) => this.#open(of, listener) });
  }

  sessionKeyOf(tenant: Tenant): string {
    return this.#accounts.of(tenant).isReadOnly ? 'read-only' : '';
  }

  serverOf(tenant: Tenant): this {
    this.#accounts.of(tenant);
    return this;
  }

  poolsOf({ tenant, weight, ...options }: PoolsOf): TenantPools {
    const account = this.#accounts.account(this.#budget, this.#accounts.of(tenant), weight);
    return new TenantPools(new TenantPool(account, options), []);
  }

  reserved({ tenantId, database }: AccountOf): ConnectionAccount<PgliteConnection> {
    return this.#accounts.account(this.#budget, { tenantId, database, isReadOnly: false });
  }

  async lockMigrations(): Promise<() => void> {
    return () => {};
  }

  stats({ tenants = false }: { readonly tenants?: boolean | undefined }): PostgresServerStats {
    const requests = this.#budget.stats();
    return {
      requests,
      // Migrations have no connections of their own.
      reserved: { ...requests, opening: 0, open: 0, idle: 0, inUse: 0, closing: 0, waiting: 0, limit: 0 },
      breakers: {},
      ...(tenants ? { tenants: this.#budget.tenantStats() } : {}),
    };
  }

  stop(): void {
    this.#budget.stop();
  }

  async #open(of: FileOf, listener: FileConnectionListener<PgliteConnection>): Promise<PgliteConnection> {
    const { pglite, closed } = await this.#parts.open(of);
    const { tenantId, isReadOnly } = of;
    return new PgliteConnection({ tenantId, pglite, isReadOnly, listener, closed });
  }
}
