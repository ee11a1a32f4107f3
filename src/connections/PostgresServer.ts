import type { TenancyEmitter } from '../events.ts';
import { type Clock, systemClock } from './Clock.ts';
import type { ConnectionAccount } from './ConnectionAccount.ts';
import { ConnectionBudget, type ConnectionBudgetStats } from './ConnectionBudget.ts';
import { openClient } from './openClient.ts';
import type { CheckedServerOptions } from './ServerOptions.ts';
import { TenantConnection } from './TenantConnection.ts';
import { Turns } from './Turns.ts';

export interface PostgresServerStats {
  readonly requests: ConnectionBudgetStats;
  readonly reserved: ConnectionBudgetStats;
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
  readonly #requests: ConnectionBudget<TenantConnection>;
  readonly #reserved: ConnectionBudget<TenantConnection>;

  constructor(name: string, options: CheckedServerOptions, events: TenancyEmitter, clock: Clock = systemClock) {
    this.name = name;
    this.#options = options;
    this.#events = events;
    // Budgets get their limits and nothing else: the URLs hold a password.
    const { url: _url, directUrl: _directUrl, ssl: _ssl, ...limits } = options;
    const { maxConnections, reservedConnections } = limits;
    this.migrations = new Turns(Math.max(1, reservedConnections - 1));
    this.#requests = new ConnectionBudget({ ...limits, maxConnections: maxConnections - reservedConnections }, clock);
    this.#reserved = new ConnectionBudget(
      { ...limits, maxConnections: reservedConnections, idleTimeoutMs: 1_000 },
      clock,
    );
  }

  /** Connections for the requests of a tenant; through a pooler where `url` is one. */
  requests(tenantId: string, database: string): ConnectionAccount<TenantConnection> {
    return this.#account(this.#requests, tenantId, database, 'pooled');
  }

  /** Connections for migrations, which requests cannot starve; never through a pooler. */
  reserved(tenantId: string, database: string): ConnectionAccount<TenantConnection> {
    return this.#account(this.#reserved, tenantId, database, 'direct');
  }

  stats(): PostgresServerStats {
    return { requests: this.#requests.stats(), reserved: this.#reserved.stats() };
  }

  stop(): void {
    this.#requests.stop();
    this.#reserved.stop();
  }

  #account(
    budget: ConnectionBudget<TenantConnection>,
    tenantId: string,
    database: string,
    route: 'pooled' | 'direct',
  ): ConnectionAccount<TenantConnection> {
    const account = budget.account(tenantId, (signal) => this.#open(account, database, route, signal));
    return account;
  }

  async #open(
    account: ConnectionAccount<TenantConnection>,
    database: string,
    route: 'pooled' | 'direct',
    signal: AbortSignal,
  ): Promise<TenantConnection> {
    const { tenantId } = account;
    const about = { tenantId, server: this.name };
    const startedAt = performance.now();
    const applicationName = `tenant:${tenantId}`;
    try {
      const client = await openClient(this.#options, { tenantId, database, route, applicationName }, signal);
      this.#events.emit('connection:opened', { ...about, tookMs: performance.now() - startedAt });
      return new TenantConnection(client, tenantId, {
        released: (connection, destroy) => account.release(connection, destroy),
        tainted: (transaction) => this.#events.emit('connection:tainted', { ...about, transaction }),
        broke: (connection) => account.broken(connection),
        closed: (reason) => this.#events.emit('connection:closed', { ...about, reason }),
      });
    } catch (error) {
      if (!signal.aborted) {
        this.#events.emit('connection:failed', { ...about, error });
      }
      throw error;
    }
  }
}
