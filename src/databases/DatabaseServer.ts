import type { CircuitBreaker } from '../connections/CircuitBreaker.ts';
import type { ConnectionAccount } from '../connections/ConnectionAccount.ts';
import { ConnectionBudget } from '../connections/ConnectionBudget.ts';
import type { ConnectionBudgetLimits } from '../connections/ConnectionBudgetLimits.ts';
import type { AccountOf, PostgresServerStats } from '../connections/PostgresServer.ts';
import type { MigrationServer, OpenDatabases, PoolsOf, Unlock } from '../connections/TenantDatabases.ts';
import { type LeasableConnection, type Lent, TenantPool } from '../connections/TenantPool.ts';
import { TenantPools } from '../connections/TenantPools.ts';
import { Turns } from '../connections/Turns.ts';
import { messageOf, TenancyConfigurationError, TenancyError, TenantConnectionError } from '../errors.ts';
import type { TenancyEmitter } from '../events.ts';
import { DEFAULT_SERVER, serverOf, statusOf, type Tenant } from '../tenant/Tenant.ts';
import type { ConnectionListener } from './LeasedConnection.ts';

/** For whom a connection is opened. */
export interface DatabaseOf extends AccountOf {
  readonly isReadOnly: boolean;
}

export interface DatabaseServerParts {
  /** Where the databases are, as messages say it: `databases of SQLite are in one folder`. */
  readonly where: string;
  readonly events: TenancyEmitter;
  readonly maxMigrations: number;
  readonly requests: ConnectionBudgetLimits;
  /** Of migrations. @default they take turns with requests */
  readonly reserved?: ConnectionBudgetLimits;
}

/** Tenants' databases in one place, at work for one manager: how many are open, for whom, and the events of that. */
export abstract class DatabaseServer<C extends LeasableConnection<Lent>> implements OpenDatabases, MigrationServer {
  readonly migrations: Turns;
  protected readonly events: TenancyEmitter;
  readonly #where: string;
  readonly #requests: ConnectionBudget<C>;
  readonly #reserved: ConnectionBudget<C>;

  protected constructor({ where, events, maxMigrations, requests, reserved }: DatabaseServerParts) {
    this.#where = where;
    this.events = events;
    this.migrations = new Turns(maxMigrations);
    this.#requests = new ConnectionBudget(requests);
    this.#reserved = reserved === undefined ? this.#requests : new ConnectionBudget(reserved);
  }

  /** Opens a connection to the database of a tenant. */
  protected abstract open(of: DatabaseOf, listener: ConnectionListener<C>, signal: AbortSignal): Promise<C>;

  /** Throws `TenancyConfigurationError` for a name that is none of a database here. */
  protected abstract assertName(database: string, tenantId: string): void;

  /** Keeps callers away from a server that is down. */
  protected get breaker(): CircuitBreaker | undefined {
    return undefined;
  }

  abstract lockMigrations(of: AccountOf, timeoutMs: number, assertOpen: () => void, session: Lent): Promise<Unlock>;

  sessionKeyOf(tenant: Tenant): string {
    return this.#of(tenant).isReadOnly ? 'read-only' : '';
  }

  serverOf(tenant: Tenant): this {
    this.#of(tenant);
    return this;
  }

  poolsOf({ tenant, weight, ...options }: PoolsOf): TenantPools {
    const account = this.#account(this.#requests, this.#of(tenant), weight);
    return new TenantPools(new TenantPool(account, options), []);
  }

  reserved({ tenantId, database }: AccountOf): ConnectionAccount<C> {
    this.assertName(database, tenantId);
    return this.#account(this.#reserved, { tenantId, database, isReadOnly: false });
  }

  stats({ tenants = false }: { readonly tenants?: boolean | undefined }): PostgresServerStats {
    const requests = this.#requests.stats();
    return {
      requests,
      reserved:
        this.#reserved === this.#requests
          ? { ...requests, opening: 0, open: 0, idle: 0, inUse: 0, closing: 0, waiting: 0, limit: 0 }
          : this.#reserved.stats(),
      breakers: this.breaker === undefined ? {} : { primary: this.breaker.state },
      ...(tenants ? { tenants: this.#requests.tenantStats() } : {}),
    };
  }

  /** The server went down, or may be tried again: callers that wait for it are told, or try. */
  protected reconsider(): void {
    this.#requests.reconsider();
    this.#reserved.reconsider();
  }

  stop(): void {
    this.#requests.stop();
    this.#reserved.stop();
  }

  /** Throws `TenancyConfigurationError` for a tenant that has no database here. */
  #of(tenant: Tenant): DatabaseOf {
    if (serverOf(tenant) !== DEFAULT_SERVER) {
      throw new TenancyConfigurationError(`Tenant "${tenant.id}": ${this.#where}. Leave out \`server\`.`, {
        tenantId: tenant.id,
      });
    }
    this.assertName(tenant.database, tenant.id);
    return { tenantId: tenant.id, database: tenant.database, isReadOnly: statusOf(tenant) === 'readonly' };
  }

  #account(budget: ConnectionBudget<C>, of: DatabaseOf, weight = 1): ConnectionAccount<C> {
    const { tenantId } = of;
    const account: ConnectionAccount<C> = budget.account(
      tenantId,
      (signal) => this.#open(budget, account, of, signal),
      {
        weight,
        breaker: this.breaker,
        onWaited: (tookMs, error) =>
          this.events.emit('connection:waited', { tenantId, server: DEFAULT_SERVER, tookMs, error }),
      },
    );
    return account;
  }

  async #open(
    budget: ConnectionBudget<C>,
    account: ConnectionAccount<C>,
    of: DatabaseOf,
    signal: AbortSignal,
  ): Promise<C> {
    const { events } = this;
    const { tenantId } = of;
    const about = { tenantId, server: DEFAULT_SERVER };
    const startedAt = performance.now();
    const listener: ConnectionListener<C> = {
      released: (connection, destroy) => account.release(connection, destroy),
      broke: (connection) => account.broken(connection),
      tainted: (transaction) => {
        budget.countTainted(account);
        events.emit('connection:tainted', { ...about, transaction });
      },
      closed: (reason) => events.emit('connection:closed', { ...about, reason }),
    };
    try {
      const connection = await this.open(of, listener, signal);
      events.emit('connection:opened', { ...about, tookMs: performance.now() - startedAt });
      return connection;
    } catch (error) {
      if (signal.aborted) {
        throw signal.reason;
      }
      events.emit('connection:failed', { ...about, error });
      if (error instanceof TenancyError) {
        throw error;
      }
      const why = `its database cannot be opened (${messageOf(error)})`;
      throw new TenantConnectionError(tenantId, why, { cause: error });
    }
  }
}
