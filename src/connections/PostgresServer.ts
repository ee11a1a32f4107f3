import type { ServerRoute, TenancyEmitter } from '../events.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { CircuitBreaker } from './CircuitBreaker.ts';
import { type Clock, systemClock } from './Clock.ts';
import type { ConnectionAccount } from './ConnectionAccount.ts';
import { ConnectionBudget } from './ConnectionBudget.ts';
import { type ConnectionBudgetStats, limitsOf } from './ConnectionBudgetLimits.ts';
import { type CredentialSource, openAs } from './Credentials.ts';
import { LeakWatch } from './LeakWatch.ts';
import { libpqEnvironment } from './libpqEnvironment.ts';
import { openClient, type ServerAddress } from './openClient.ts';
import type { CheckedReplicaOptions, CheckedServerOptions } from './ServerOptions.ts';
import { NO_SESSION, sessionsOf, type TenantSession } from './SessionSettings.ts';
import { type SqlCommentOption, sqlComment } from './SqlComment.ts';
import { TenantConnection } from './TenantConnection.ts';
import type { ConnectionCounts } from './TenantShare.ts';
import { Turns } from './Turns.ts';

/** Whether connections are opened: `open` keeps everybody away, `half-open` lets one attempt at a time through. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** The connections of one PostgreSQL server, at one moment. Plain data. */
export interface PostgresServerStats {
  readonly requests: ConnectionBudgetStats;
  readonly reserved: ConnectionBudgetStats;
  /** By address: `primary`, and `direct` where that is another one. */
  readonly breakers: Readonly<Partial<Record<ServerRoute, BreakerState>>>;
  /** Connections for requests by tenant, where they were asked for. */
  readonly tenants?: Readonly<Record<string, ConnectionCounts>>;
}

/** Who connections are for. */
export interface AccountOf {
  readonly tenantId: string;
  readonly database: string;
}

/** What a tenant's connections for requests are like. */
export interface RequestsOf extends AccountOf {
  readonly session: TenantSession;
  /** How many turns the tenant takes to another one's one. */
  readonly weight: number;
  /** As whom they are opened. @default as the server's options say */
  readonly credentials?: CredentialSource | undefined;
}

/** One address of a server, where connections are opened. */
interface Route {
  readonly name: ServerRoute;
  readonly address: ServerAddress;
  readonly isPooled: boolean;
  readonly breaker: CircuitBreaker;
}

interface Opening {
  readonly budget: ConnectionBudget<TenantConnection>;
  readonly account: ConnectionAccount<TenantConnection>;
  readonly route: Route;
  readonly of: RequestsOf;
}

export interface PostgresServerParts {
  readonly clock?: Clock | undefined;
  /** What statements on its connections say for whom they are. @default nothing */
  readonly sqlComment?: SqlCommentOption | undefined;
}

/** The reserve is small: a connection of a migration that is over makes room for the next one soon. */
const RESERVED_IDLE_MS = 1_000;

/** One PostgreSQL server: its options, and the two budgets that together are its ceiling. */
export class PostgresServer {
  readonly name: string;
  /**
   * Migrations take turns, so that one connection of the reserve is left for a statement outside of a migration's
   * transaction. Without it, as many migrations as there are connections would wait for each other.
   */
  readonly migrations: Turns;
  /** How many migrations run at once. */
  readonly maxMigrations: number;
  /** The settings of a tenant's sessions, as the tenant is now. Throws `TenancyConfigurationError`. */
  readonly sessionOf: (tenant: Tenant) => TenantSession;
  readonly #options: CheckedServerOptions;
  readonly #events: TenancyEmitter;
  readonly #clock: Clock;
  readonly #comment: SqlCommentOption | undefined;
  readonly #requests: ConnectionBudget<TenantConnection>;
  readonly #reserved: ConnectionBudget<TenantConnection>;
  readonly #primary: Route;
  readonly #direct: Route;
  readonly #replicas: readonly Route[];

  constructor(
    name: string,
    options: CheckedServerOptions,
    events: TenancyEmitter,
    { clock = systemClock, sqlComment: comment }: PostgresServerParts = {},
  ) {
    this.name = name;
    this.#comment = comment;
    this.#options = options;
    this.#events = events;
    this.#clock = clock;
    this.sessionOf = sessionsOf(name, options.session);
    const { url, directUrl, maxConnections, reservedConnections, pooler } = options;
    this.maxMigrations = Math.max(1, reservedConnections - 1);
    this.migrations = new Turns(this.maxMigrations);
    const limits = limitsOf(options);
    this.#requests = new ConnectionBudget({ ...limits, maxConnections: maxConnections - reservedConnections }, clock);
    this.#reserved = new ConnectionBudget(
      { ...limits, maxConnections: reservedConnections, idleTimeoutMs: RESERVED_IDLE_MS },
      clock,
    );
    this.#primary = this.#route('primary', options, pooler === 'transaction');
    this.#direct =
      url === directUrl
        ? { ...this.#primary, isPooled: false }
        : this.#route('direct', { ...options, url: directUrl }, false);
    this.#replicas = options.replicas.map((replica, n) =>
      this.#route(`replica ${n + 1}`, replica, replica.pooler === 'transaction'),
    );
  }

  /** Whether connections of requests are watched for leaks. */
  get watchesLeaks(): boolean {
    return this.#options.leakWarningMs !== undefined;
  }

  /** The database for administration: that of the direct URL's path, or `postgres`. */
  get maintenanceDatabase(): string {
    const path = decodeURIComponent(new URL(this.#options.directUrl).pathname.slice(1));
    return path === '' ? 'postgres' : path;
  }

  /** For PostgreSQL's own programs; `undefined` where they cannot have what `ssl` says. */
  environment(database: string): Promise<Readonly<Record<string, string>> | undefined> {
    return libpqEnvironment(this.#options, database);
  }

  /** Connections for the requests of a tenant; through a pooler where `url` is one. */
  requests(of: RequestsOf): ConnectionAccount<TenantConnection> {
    return this.#account(this.#requests, this.#primary, of);
  }

  /** The same on each replica. They count in the same limits. */
  replicas(of: RequestsOf): ConnectionAccount<TenantConnection>[] {
    return this.#replicas.map((replica) => this.#account(this.#requests, replica, of));
  }

  /** Connections for migrations, which requests cannot starve; never through a pooler. */
  reserved({
    session = NO_SESSION,
    ...of
  }: AccountOf & { readonly session?: TenantSession | undefined }): ConnectionAccount<TenantConnection> {
    return this.#account(this.#reserved, this.#direct, { ...of, session, weight: 1 });
  }

  stats({ tenants = false }: { readonly tenants?: boolean | undefined } = {}): PostgresServerStats {
    const routes = [this.#primary, this.#direct, ...this.#replicas];
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

  #route(name: ServerRoute, { url, user, password, ssl }: CheckedReplicaOptions, isPooled: boolean): Route {
    const { connectTimeoutMs } = this.#options;
    const about = { server: this.name, route: name };
    const breaker = new CircuitBreaker(this.#clock, {
      down: (error, retryInMs) => this.#events.emit('server:down', { ...about, error, retryInMs }),
      up: (downForMs) => this.#events.emit('server:up', { ...about, downForMs }),
      changed: () => {
        this.#requests.reconsider();
        this.#reserved.reconsider();
      },
    });
    return { name, breaker, isPooled, address: { url, user, password, ssl, connectTimeoutMs } };
  }

  #account(
    budget: ConnectionBudget<TenantConnection>,
    route: Route,
    of: RequestsOf,
  ): ConnectionAccount<TenantConnection> {
    const { breaker } = route;
    const open = (signal: AbortSignal) => this.#open({ budget, account, route, of }, signal);
    const account: ConnectionAccount<TenantConnection> = budget.account(of.tenantId, open, {
      breaker,
      weight: of.weight,
      onWaited: (tookMs, error) => {
        this.#events.emit('connection:waited', { tenantId: of.tenantId, server: this.name, tookMs, error });
      },
    });
    return account;
  }

  async #open({ budget, account, route, of }: Opening, signal: AbortSignal): Promise<TenantConnection> {
    const { tenantId, database, session } = of;
    const about = { tenantId, server: this.name };
    const startedAt = performance.now();
    // A pooler does not take settings at the start of a session; its transactions get them.
    const atStart = route.isPooled ? NO_SESSION : session;
    try {
      const target = { tenantId, database, session: atStart };
      const client = await (of.credentials === undefined
        ? openClient(route.address, target, signal)
        : openAs(
            of.credentials,
            (user, password) => openClient({ ...route.address, user, password }, { ...target, user }, signal),
            signal,
          ));
      this.#events.emit('connection:opened', { ...about, tookMs: performance.now() - startedAt });
      return new TenantConnection({
        client,
        tenantId,
        session,
        isPooled: route.isPooled,
        leaks: this.#leakWatch(tenantId),
        comment: sqlComment(this.#comment, { tenantId, server: this.name }),
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
