import { setTimeout as pause } from 'node:timers/promises';
import type { ConnectionAccount } from '../connections/ConnectionAccount.ts';
import { ConnectionBudget } from '../connections/ConnectionBudget.ts';
import type { AccountOf, PostgresServerStats } from '../connections/PostgresServer.ts';
import type { OpenDatabases, PoolsOf } from '../connections/TenantDatabases.ts';
import { TenantPool } from '../connections/TenantPool.ts';
import { TenantPools } from '../connections/TenantPools.ts';
import { Turns } from '../connections/Turns.ts';
import {
  MigrationLockTimeoutError,
  messageOf,
  TenancyConfigurationError,
  TenancyError,
  TenantConnectionError,
} from '../errors.ts';
import type { TenancyEmitter } from '../events.ts';
import { DEFAULT_SERVER, serverOf, statusOf, type Tenant } from '../tenant/Tenant.ts';
import type { CheckedFilesOptions } from './FilesOptions.ts';
import { assertFileName } from './fileName.ts';
import { findDatabase } from './findDatabase.ts';
import type { OpenFiles } from './OpenFiles.ts';
import { SqliteConnection } from './SqliteConnection.ts';
import { closeHandle, isLocked, type OpenSqlite, type SqliteHandle } from './SqliteHandle.ts';

export interface SqliteServerParts {
  /** As messages call it. */
  readonly kind: string;
  readonly options: CheckedFilesOptions;
  /** How the names of the files end, dot included. */
  readonly ending: string;
  readonly openSqlite: OpenSqlite;
  readonly files: OpenFiles;
  readonly events: TenancyEmitter;
}

/** What of a file's name says that it is the lock of its migrations. No tenant's file ends like that. */
export const LOCK_ENDING = '-lock';

const FIRST_PAUSE_MS = 5;
const MAX_PAUSE_MS = 200;
/** A migration that is over makes room for the next one soon. */
const RESERVED_IDLE_MS = 1_000;
/** A statement outside of a migration's transaction gets a second connection. */
const CONNECTIONS_OF_MIGRATION = 2;

interface Opening extends AccountOf {
  readonly isReadOnly: boolean;
}

/** The files of one folder, at work for one manager: how many are open, and for whom. */
export class SqliteServer implements OpenDatabases {
  readonly migrations: Turns;
  readonly #parts: SqliteServerParts;
  readonly #requests: ConnectionBudget<SqliteConnection>;
  readonly #reserved: ConnectionBudget<SqliteConnection>;

  constructor(parts: SqliteServerParts) {
    const { maxMigrations, folder: _, lockTimeoutMs: __, ...limits } = parts.options;
    this.#parts = parts;
    this.migrations = new Turns(maxMigrations);
    // Opening a file is no work for somebody else, and a file that was open for long is as good as another.
    const ever = { maxOpeningConnections: limits.maxConnections, maxLifetimeMs: Infinity, checkAfterIdleMs: Infinity };
    this.#requests = new ConnectionBudget({ ...limits, ...ever });
    this.#reserved = new ConnectionBudget({
      ...limits,
      ...ever,
      maxConnections: maxMigrations * CONNECTIONS_OF_MIGRATION,
      maxConnectionsPerTenant: CONNECTIONS_OF_MIGRATION,
      idleTimeoutMs: RESERVED_IDLE_MS,
    });
  }

  sessionKeyOf(tenant: Tenant): string {
    this.#assertHere(tenant);
    return isReadOnly(tenant) ? 'read-only' : '';
  }

  poolsOf({ tenant, weight, ...options }: PoolsOf): TenantPools {
    this.#assertHere(tenant);
    const of = { tenantId: tenant.id, database: tenant.database, isReadOnly: isReadOnly(tenant) };
    return new TenantPools(new TenantPool(this.#account(this.#requests, of, weight), options), []);
  }

  reserved({ tenantId, database }: AccountOf): ConnectionAccount<SqliteConnection> {
    assertFileName(database, tenantId);
    return this.#account(this.#reserved, { tenantId, database, isReadOnly: false }, 1);
  }

  /**
   * Locks a file beside the tenant's, which is made for that and stays; the operating system frees the lock of a process
   * that was killed.
   */
  async lockMigrations({ tenantId, database }: AccountOf, timeoutMs: number): Promise<() => void> {
    const path = (await this.#find({ tenantId, database })) + LOCK_ENDING;
    const deadline = performance.now() + timeoutMs;
    const handle = this.#parts.openSqlite(path, { isReadOnly: false, mustExist: false });
    try {
      for (let pauseMs = FIRST_PAUSE_MS; !isTaken(handle); pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
        if (performance.now() + pauseMs > deadline) {
          throw new MigrationLockTimeoutError(tenantId, timeoutMs);
        }
        await pause(pauseMs * (0.5 + Math.random()));
      }
    } catch (error) {
      closeHandle(handle);
      throw error;
    }
    return () => closeHandle(handle);
  }

  stats({ tenants = false }: { readonly tenants?: boolean | undefined }): PostgresServerStats {
    return {
      requests: this.#requests.stats(),
      reserved: this.#reserved.stats(),
      breakers: {},
      ...(tenants ? { tenants: this.#requests.tenantStats() } : {}),
    };
  }

  stop(): void {
    this.#requests.stop();
    this.#reserved.stop();
  }

  #assertHere(tenant: Tenant): void {
    if (serverOf(tenant) !== DEFAULT_SERVER) {
      throw new TenancyConfigurationError(
        `Tenant "${tenant.id}": databases of ${this.#parts.kind} are in one folder. Leave out \`server\`.`,
        { tenantId: tenant.id },
      );
    }
    assertFileName(tenant.database, tenant.id);
  }

  #find(of: AccountOf): Promise<string> {
    const { options, ending } = this.#parts;
    return findDatabase({ ...of, ending, folder: options.folder });
  }

  #account(
    budget: ConnectionBudget<SqliteConnection>,
    of: Opening,
    weight: number,
  ): ConnectionAccount<SqliteConnection> {
    const { events } = this.#parts;
    const account: ConnectionAccount<SqliteConnection> = budget.account(
      of.tenantId,
      (signal) => this.#open(budget, account, of, signal),
      {
        weight,
        onWaited: (tookMs, error) => {
          events.emit('connection:waited', { tenantId: of.tenantId, server: DEFAULT_SERVER, tookMs, error });
        },
      },
    );
    return account;
  }

  async #open(
    budget: ConnectionBudget<SqliteConnection>,
    account: ConnectionAccount<SqliteConnection>,
    of: Opening,
    signal: AbortSignal,
  ): Promise<SqliteConnection> {
    const { events, files, options } = this.#parts;
    const { tenantId, isReadOnly } = of;
    const about = { tenantId, server: DEFAULT_SERVER };
    const startedAt = performance.now();
    try {
      const path = await this.#find(of);
      signal.throwIfAborted();
      const handle = this.#openFile(path, isReadOnly);
      const turns = files.opened(path);
      events.emit('connection:opened', { ...about, tookMs: performance.now() - startedAt });
      return new SqliteConnection({
        ...{ tenantId, handle, isReadOnly, turns },
        lockTimeoutMs: options.lockTimeoutMs,
        listener: {
          released: (connection, destroy) => account.release(connection, destroy),
          tainted: (transaction) => {
            budget.countTainted(account);
            events.emit('connection:tainted', { ...about, transaction });
          },
          closed: (reason) => {
            files.closed(path);
            events.emit('connection:closed', { ...about, reason });
          },
        },
      });
    } catch (error) {
      if (signal.aborted) {
        throw signal.reason;
      }
      events.emit('connection:failed', { ...about, error });
      if (error instanceof TenancyError) {
        throw error;
      }
      const why = `its file cannot be opened (${messageOf(error)})`;
      throw new TenantConnectionError(tenantId, why, { cause: error });
    }
  }

  #openFile(path: string, isReadOnly: boolean): SqliteHandle {
    const handle = this.#parts.openSqlite(path, { isReadOnly, mustExist: true });
    try {
      prepareSession(handle, isReadOnly);
      return handle;
    } catch (error) {
      closeHandle(handle);
      throw error;
    }
  }
}

/** What every connection begins with. Throws where the file is no database. */
export function prepareSession(handle: SqliteHandle, isReadOnly: boolean): void {
  handle.prepare('pragma foreign_keys = on').run([]);
  if (isReadOnly) {
    handle.prepare('pragma query_only = on').run([]);
    handle.prepare('pragma schema_version').all([]);
    return;
  }
  try {
    // Readers do not wait for the writer then. It is written in the file, which most have already.
    handle.prepare('pragma journal_mode = wal').all([]);
  } catch (error) {
    if (!isLocked(error)) {
      throw error;
    }
  }
}

function isTaken(handle: SqliteHandle): boolean {
  try {
    handle.prepare('begin exclusive').run([]);
    return true;
  } catch (error) {
    if (isLocked(error)) {
      return false;
    }
    throw error;
  }
}

function isReadOnly(tenant: Tenant): boolean {
  return statusOf(tenant) === 'readonly';
}
