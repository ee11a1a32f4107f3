import type { ServerRoute, TenancyEmitter } from '../events.ts';
import { CircuitBreaker } from './CircuitBreaker.ts';
import { type Clock, systemClock } from './Clock.ts';
import type { ConnectionAccount } from './ConnectionAccount.ts';
import { ConnectionBudget, type ConnectionBudgetStats } from './ConnectionBudget.ts';
import { LeakWatch } from './LeakWatch.ts';
import { openClient } from './openClient.ts';
import type { CheckedServerOptions } from './ServerOptions.ts';
import { TenantConnection } from './TenantConnection.ts';
import type { ConnectionCounts } from './TenantShare.ts';
import { Turns } from './Turns.ts';

/** Whether connections are opened: `open` keeps everybody away, `half-open` lets one attempt at a time through. */
export type BreakerState = 'closed' | 'open' | 'half-open';

export interface PostgresServerStats {
  readonly requests: ConnectionBudgetStats;
  readonly reserved: ConnectionBudgetStats;
  /** By address: `primary`, and `direct` where that is another one. */
  readonly breakers: Readonly<Partial<Record<ServerRoute, BreakerState>>>;
  /** Connections for requests by tenant, where they were asked for. */
  readonly tenants?: Readonly<Record<string, ConnectionCounts>>;
}

/** What a tenant's connections for requests are like. */
export interface RequestsOptions {
  /** How many turns the tenant takes to another one's one. @default 1 */
  readonly weight?: number;
}

/** One address of a server, where connections are opened. */
interface Route {
  readonly name: ServerRoute;
  readonly breaker: CircuitBreaker;
}

/** One PostgreSQL server: its options, and the two budgets that together are its ceiling. */
export class PostgresServer {
  readonly name: string;
  /**
   * Migrations take turns, so that one connection of the reserve is left for a statement outside of a migration's
   * transaction. Without it, as many migrations as there are connections would wait for each other.
   */
  readonly migrations: Turns;
  readonly #options: CheckedServerOptions;
  readonly #events: TenancyEmitter;
  readonly #clock: Clock;
  readonly #requests: ConnectionBudget<TenantConnection>;
  readonly #reserved: ConnectionBudget<TenantConnection>;
  readonly #primary: Route;
  readonly #direct: Route;

  constructor(name: string, options: CheckedServerOptions, events: TenancyEmitter, clock: Clock = systemClock) {
    this.name = name;
    this.#options = options;
    this.#events = events;
    this.#clock = clock;
    // Budgets get their limits and nothing else: the URLs hold a password.
    const { url, directUrl, ssl: _ssl, ...limits } = options;
    const { maxConnections, reservedConnections } = limits;
    this.migrations = new Turns(Math.max(1, reservedConnections - 1));
    this.#requests = new ConnectionBudget({ ...limits, maxConnections: maxConnections - reservedConnections }, clock);
    this.#reserved = new ConnectionBudget(
      { ...limits, maxConnections: reservedConnections, idleTimeoutMs: 1_000 },
      clock,
    );
    this.#primary = this.#route('primary');
    this.#direct = url === directUrl ? this.#primary : this.#route('direct');
  }

  get watchesLeaks(): boolean {
    return this.#options.leakWarningMs !== undefined;
  }

  /** Connections for the requests of a tenant; through a pooler where `url` is one. */
  requests(tenantId: string, database: string, options: RequestsOptions = {}): ConnectionAccount<TenantConnection> {
    return this.#account(this.#requests, tenantId, database, this.#primary, options);
  }

  /** Connections for migrations, which requests cannot starve; never through a pooler. */
  reserved(tenantId: string, database: string): ConnectionAccount<TenantConnection> {
    return this.#account(this.#reserved, tenantId, database, this.#direct, {});
  }

  stats({ tenants = false }: { readonly tenants?: boolean | undefined } = {}): PostgresServerStats {
    const routes = new Set([this.#primary, this.#direct]);
    return {
      requests: this.#requests.stats(),
      reserved: this.#reserved.stats(),
      breakers: Object.fromEntries([...routes].map(({ name, breaker }) => [name, breaker.state])),
      ...(tenants ? { tenants: this.#requests.tenantStats() } : {}),
    };
  }

  stop(): void {
    this.#requests.stop();
    this.#reserved.stop();
  }

  #route(name: ServerRoute): Route {
    const about = { server: this.name, route: name };
    const breaker = new CircuitBreaker(this.#clock, {
      down: (error, retryInMs) => this.#events.emit('server:down', { ...about, error, retryInMs }),
      up: (downForMs) => this.#events.emit('server:up', { ...about, downForMs }),
      changed: () => {
        this.#requests.reconsider();
        this.#reserved.reconsider();
      },
    });
    return { name, breaker };
  }

  #account(
    budget: ConnectionBudget<TenantConnection>,
    tenantId: string,
    database: string,
    route: Route,
    { weight }: RequestsOptions,
  ): ConnectionAccount<TenantConnection> {
    const { breaker } = route;
    const open = (signal: AbortSignal) => this.#open(budget, account, database, route, signal);
    const account: ConnectionAccount<TenantConnection> = budget.account(tenantId, open, { breaker, weight });
    return account;
  }

  async #open(
    budget: ConnectionBudget<TenantConnection>,
    account: ConnectionAccount<TenantConnection>,
    database: string,
    route: Route,
    signal: AbortSignal,
  ): Promise<TenantConnection> {
    const { tenantId } = account;
    const about = { tenantId, server: this.name };
    const startedAt = performance.now();
    const applicationName = `tenant:${tenantId}`;
    const target = {
      tenantId,
      database,
      route: budget === this.#reserved ? ('direct' as const) : ('pooled' as const),
      applicationName,
    };
    try {
      const client = await openClient(this.#options, target, signal);
      this.#events.emit('connection:opened', { ...about, tookMs: performance.now() - startedAt });
      return new TenantConnection({
        client,
        tenantId,
        isPooled: target.route === 'pooled' && this.#options.pooler === 'transaction',
        leaks: this.#leakWatch(tenantId),
        listener: {
          released: (connection, destroy) => account.release(connection, destroy),
          tainted: (transaction) => {
            budget.countTainted(account);
            this.#events.emit('connection:tainted', { ...about, transaction });
          },
          broke: (connection) => account.broken(connection),
          closed: (reason) => this.#events.emit('connection:closed', { ...about, reason }),
        },
      });
    } catch (error) {
      if (!signal.aborted) {
        this.#events.emit('connection:failed', { ...about, error });
      }
      throw error;
    }
  }

  #leakWatch(tenantId: string): LeakWatch | undefined {
    const { leakWarningMs } = this.#options;
    const report = (heldForMs: number, stack: string): void => {
      this.#events.emit('connection:leaked', { tenantId, server: this.name, heldForMs, stack });
    };
    return leakWarningMs === undefined ? undefined : new LeakWatch(leakWarningMs, report, this.#clock);
  }
}
