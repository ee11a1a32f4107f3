import { createHash } from 'node:crypto';
import { CircuitBreaker } from '../connections/CircuitBreaker.ts';
import { systemClock } from '../connections/Clock.ts';
import { limitsOf } from '../connections/ConnectionBudgetLimits.ts';
import type { AccountOf } from '../connections/PostgresServer.ts';
import type { Unlock } from '../connections/TenantDatabases.ts';
import type { Lent } from '../connections/TenantPool.ts';
import { untilLocked } from '../connections/untilLocked.ts';
import { type DatabaseOf, DatabaseServer } from '../databases/DatabaseServer.ts';
import type { ConnectionListener } from '../databases/LeasedConnection.ts';
import type { OpenCounts } from '../databases/OpenCounts.ts';
import { MigrationIncompleteError, messageOf, TenancyError } from '../errors.ts';
import type { TenancyEmitter } from '../events.ts';
import { DEFAULT_SERVER } from '../tenant/Tenant.ts';
import { assertMysqlName } from './databaseName.ts';
import { MysqlConnection } from './MysqlConnection.ts';
import type { CheckedMysqlOptions } from './MysqlOptions.ts';
import { send } from './mysqlClient.ts';
import { administer, openMysql, type ReadingOptions } from './openMysql.ts';

export interface MysqlServerParts {
  readonly events: TenancyEmitter;
  readonly options: CheckedMysqlOptions;
  readonly reading: ReadingOptions;
  /** Which databases this process has open. */
  readonly open: OpenCounts;
}

/** The reserve is small: a connection of a migration that is over makes room for the next one soon. */
const RESERVED_IDLE_MS = 1_000;
const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 500;
/** How long the server may take to end what nobody listens to. */
const KILL_TIMEOUT_MS = 1_000;

/** One server of MySQL or MariaDB, at work for one manager. */
export class MysqlServer extends DatabaseServer<MysqlConnection> {
  readonly #breaker: CircuitBreaker;
  readonly #parts: MysqlServerParts;

  constructor(parts: MysqlServerParts) {
    const { options, events } = parts;
    const { maxConnections, reservedConnections } = options;
    const limits = limitsOf(options);
    super({
      events,
      where: 'databases of MySQL and MariaDB are on one server',
      // One connection of the reserve is left for a statement outside of a migration's transaction.
      maxMigrations: Math.max(1, reservedConnections - 1),
      requests: { ...limits, maxConnections: maxConnections - reservedConnections },
      reserved: { ...limits, maxConnections: reservedConnections, idleTimeoutMs: RESERVED_IDLE_MS },
    });
    this.#parts = parts;
    const about = { server: DEFAULT_SERVER, route: 'primary' } as const;
    this.#breaker = new CircuitBreaker(systemClock, {
      down: (error, retryInMs) => events.emit('server:down', { ...about, error, retryInMs }),
      up: (downForMs) => events.emit('server:up', { ...about, downForMs }),
      changed: () => this.reconsider(),
    });
  }

  protected override get breaker(): CircuitBreaker {
    return this.#breaker;
  }

  protected override assertName(database: string, tenantId: string): void {
    assertMysqlName(database, tenantId);
  }

  /**
   * Takes a lock of the server's for the database, on the session that migrates it: it ends with that session, and who
   * loses the one has not kept the other.
   */
  override async lockMigrations(
    { tenantId, database }: AccountOf,
    timeoutMs: number,
    assertOpen: () => void,
    session: Lent,
  ): Promise<Unlock> {
    const name = lockName(database);
    const take = async (): Promise<boolean> => {
      const { rows } = await session.query('select get_lock(?, 0) as locked', [name]);
      return Number((rows[0] as { readonly locked: unknown }).locked) === 1;
    };
    await untilLocked(take, {
      tenantId,
      timeoutMs,
      assertOpen,
      firstPauseMs: FIRST_PAUSE_MS,
      maxPauseMs: MAX_PAUSE_MS,
    });
    return async () => {
      try {
        await session.query('do release_lock(?)', [name]);
      } catch {
        // The session is gone, and the lock with it.
      }
    };
  }

  /** Errors of this library say by themselves what they mean for whoever migrates. */
  failedMigration(tenantId: string, failure: unknown): unknown {
    return failure instanceof TenancyError
      ? failure
      : new MigrationIncompleteError(tenantId, messageOf(failure), { cause: failure });
  }

  protected override async open(
    { tenantId, database, isReadOnly }: DatabaseOf,
    listener: ConnectionListener<MysqlConnection>,
    signal: AbortSignal,
  ): Promise<MysqlConnection> {
    const { options, reading, open } = this.#parts;
    const { timezone } = reading;
    const opened = await openMysql(options, { tenantId, database, isReadOnly, timezone }, reading, signal);
    open.opened(database);
    return new MysqlConnection({
      ...opened,
      ...{ tenantId, database, isReadOnly },
      kill: (threadId) => this.#kill(threadId),
      listener: {
        ...listener,
        closed: (cause) => {
          open.closed(database);
          listener.closed(cause);
        },
      },
    });
  }

  async #kill(threadId: number): Promise<void> {
    try {
      const address = { ...this.#parts.options, connectTimeoutMs: KILL_TIMEOUT_MS };
      await administer(address, (client) => send(client, `kill ${threadId}`));
    } catch {
      // It has ended by itself, or the server is gone.
    }
  }
}

/** Locks are of the whole server, and their names have 64 characters at most, as databases have. */
function lockName(database: string): string {
  return `tenancy:${createHash('sha256').update(database).digest('hex').slice(0, 48)}`;
}
