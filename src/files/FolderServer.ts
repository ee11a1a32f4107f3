import type { CloseCause } from '../connections/BudgetedConnection.ts';
import type { ConnectionAccount } from '../connections/ConnectionAccount.ts';
import { ConnectionBudget } from '../connections/ConnectionBudget.ts';
import type { ConnectionBudgetLimits } from '../connections/ConnectionBudgetLimits.ts';
import type { AccountOf, PostgresServerStats } from '../connections/PostgresServer.ts';
import type { MigrationServer, OpenDatabases, PoolsOf } from '../connections/TenantDatabases.ts';
import { type LeasableConnection, type Lent, TenantPool } from '../connections/TenantPool.ts';
import { TenantPools } from '../connections/TenantPools.ts';
import { Turns } from '../connections/Turns.ts';
import { messageOf, TenancyConfigurationError, TenancyError, TenantConnectionError } from '../errors.ts';
import type { TenancyEmitter } from '../events.ts';
import { DEFAULT_SERVER, serverOf, statusOf, type Tenant } from '../tenant/Tenant.ts';
import { assertFileName } from './fileName.ts';

/** For whom a file is opened. */
export interface FileOf extends AccountOf {
  readonly isReadOnly: boolean;
}

/** Hears of what becomes of a connection. */
export interface FileConnectionListener<C> {
  readonly released: (connection: C, destroy: boolean) => void;
  readonly tainted: (transaction: string) => void;
  readonly closed: (cause: CloseCause) => void;
}

export interface FolderServerParts {
  /** As messages call it. */
  readonly kind: string;
  readonly events: TenancyEmitter;
  readonly maxMigrations: number;
  readonly requests: ConnectionBudgetLimits;
  /** Of migrations. @default they take turns with requests */
  readonly reserved?: ConnectionBudgetLimits;
}

/** Tenants' databases in one folder, at work for one manager: how many are open, for whom, and the events of that. */
export abstract class FolderServer<C extends LeasableConnection<Lent>> implements OpenDatabases, MigrationServer {
  readonly migrations: Turns;
  readonly #kind: string;
  readonly #events: TenancyEmitter;
  readonly #requests: ConnectionBudget<C>;
  readonly #reserved: ConnectionBudget<C>;

  protected constructor({ kind, events, maxMigrations, requests, reserved }: FolderServerParts) {
    this.#kind = kind;
    this.#events = events;
    this.migrations = new Turns(maxMigrations);
    this.#requests = new ConnectionBudget(requests);
    this.#reserved = reserved === undefined ? this.#requests : new ConnectionBudget(reserved);
  }

  /** Opens the database of a tenant. */
  protected abstract open(of: FileOf, listener: FileConnectionListener<C>, signal: AbortSignal): Promise<C>;

  abstract lockMigrations(of: AccountOf, timeoutMs: number, assertOpen: () => void): Promise<() => void>;

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
    assertFileName(database, tenantId);
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
      breakers: {},
      ...(tenants ? { tenants: this.#requests.tenantStats() } : {}),
    };
  }

  stop(): void {
    this.#requests.stop();
    this.#reserved.stop();
  }

  /** Throws `TenancyConfigurationError` for a tenant that has no database here. */
  #of(tenant: Tenant): FileOf {
    if (serverOf(tenant) !== DEFAULT_SERVER) {
      throw new TenancyConfigurationError(
        `Tenant "${tenant.id}": databases of ${this.#kind} are in one folder. Leave out \`server\`.`,
        { tenantId: tenant.id },
      );
    }
    assertFileName(tenant.database, tenant.id);
    return { tenantId: tenant.id, database: tenant.database, isReadOnly: statusOf(tenant) === 'readonly' };
  }

  #account(budget: ConnectionBudget<C>, of: FileOf, weight = 1): ConnectionAccount<C> {
    const { tenantId } = of;
    const account: ConnectionAccount<C> = budget.account(
      tenantId,
      (signal) => this.#open(budget, account, of, signal),
      {
        weight,
        onWaited: (tookMs, error) =>
          this.#events.emit('connection:waited', { tenantId, server: DEFAULT_SERVER, tookMs, error }),
      },
    );
    return account;
  }

  async #open(budget: ConnectionBudget<C>, account: ConnectionAccount<C>, of: FileOf, signal: AbortSignal): Promise<C> {
    const events = this.#events;
    const { tenantId } = of;
    const about = { tenantId, server: DEFAULT_SERVER };
    const startedAt = performance.now();
    const listener: FileConnectionListener<C> = {
      released: (connection, destroy) => account.release(connection, destroy),
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
