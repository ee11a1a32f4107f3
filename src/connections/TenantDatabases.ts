import type { Tenant } from '../tenant/Tenant.ts';
import type { AccountOf, PostgresServerStats } from './PostgresServer.ts';
import type { TenantSession } from './SessionSettings.ts';
import type { LendingAccount, Lent, PoolCaller } from './TenantPool.ts';
import type { TenantPools } from './TenantPools.ts';
import type { Turns } from './Turns.ts';

/** For whom pools are made. */
export interface PoolsOf {
  readonly tenant: Tenant;
  /** How many turns the tenant takes to another one's one. */
  readonly weight: number;
  /** Hears of an end from outside. */
  readonly onEnd: () => void;
  /** How long connections in use may go on when Kysely ends a pool. */
  readonly graceMs: () => number;
  /** Who asks for a connection now. */
  readonly caller: () => PoolCaller | undefined;
}

/** Where the data of a manager's tenants is: servers of PostgreSQL, or a folder of files. */
export interface TenantDatabases {
  /** What a tenant's connections are like, as a key: where it changes, others are made. Throws `TenancyConfigurationError`. */
  sessionKeyOf(tenant: Tenant): string;
  /** The pools of one ORM for the tenant's requests. Throws `TenancyConfigurationError`. */
  poolsOf(of: PoolsOf): TenantPools;
}

/** Frees a lock. */
export type Unlock = () => void | Promise<void>;

/** What migrations of tenants need of where their databases are. */
export interface MigrationServer {
  /** Migrations take turns. */
  readonly migrations: Pick<Turns, 'run'>;
  /** Connections for migrations, which requests cannot starve. */
  reserved(of: AccountOf & { readonly session?: TenantSession | undefined }): LendingAccount<Lent>;
  /**
   * Takes the migration lock of a database, which `session` migrates, and gives what frees it. Rejects with
   * `MigrationLockTimeoutError`, or with what `assertOpen` throws once nobody waits for it any more.
   * @default an advisory lock of PostgreSQL, which the session of the migration takes
   */
  lockMigrations?(of: AccountOf, timeoutMs: number, assertOpen: () => void, session: Lent): Promise<Unlock>;
  /**
   * What a failed migration of the tenant is to reject with, where more has to be said than why it failed.
   * @default the failure itself
   */
  failedMigration?(tenantId: string, failure: unknown): unknown;
}

/** Databases of another kind than PostgreSQL, at work for one manager. */
export interface OpenDatabases extends TenantDatabases {
  /** What migrates the tenant's database. Throws `TenancyConfigurationError` for a tenant that has none here. */
  serverOf(tenant: Tenant): MigrationServer;
  stats(options: { readonly tenants?: boolean | undefined }): PostgresServerStats;
  /** Stops its timers. Called when every connection is closed. */
  stop(): void;
}
