import type { CircuitBreaker } from './CircuitBreaker.ts';
import type { ConnectionCounts } from './TenantShare.ts';

export interface ConnectionBudgetLimits {
  /** Opening, open and closing sockets together never exceed this. */
  readonly maxConnections: number;
  /** The same for one tenant. */
  readonly maxConnectionsPerTenant: number;
  /** How many may be opening at a time. */
  readonly maxOpeningConnections: number;
  /** How long a caller waits for a connection, opening included. */
  readonly acquireTimeoutMs: number;
  /** How many callers of one tenant may wait. */
  readonly maxWaitingPerTenant: number;
  /** How many callers of all tenants may wait. */
  readonly maxWaiting: number;
  /** An idle connection is closed after this time. */
  readonly idleTimeoutMs: number;
  /** A connection is closed after this time, a tenth more or less, as soon as nobody uses it. */
  readonly maxLifetimeMs: number;
  /** A connection that was idle for so long is tried before it is handed out. */
  readonly checkAfterIdleMs: number;
}

export interface ConnectionBudgetStats extends ConnectionCounts {
  /** What opening, open and closing sockets together never exceed. */
  readonly limit: number;
}

/** `error` is what the caller got in place of a connection. */
export type OnWaited = (tookMs: number, error: unknown) => void;

export interface AccountOptions {
  readonly breaker?: CircuitBreaker | undefined;
  /** How many turns the tenant takes to another one's one. @default 1 */
  readonly weight?: number | undefined;
  /** Hears of each caller that did not get a connection at once, in that caller's async context. */
  readonly onWaited?: OnWaited | undefined;
}

/** Budgets get their limits and nothing else: the rest of the options holds passwords. */
export function limitsOf(
  options: Omit<ConnectionBudgetLimits, 'maxConnections'>,
): Omit<ConnectionBudgetLimits, 'maxConnections'> {
  const { maxConnectionsPerTenant, maxOpeningConnections, acquireTimeoutMs } = options;
  const { maxWaitingPerTenant, maxWaiting, idleTimeoutMs, maxLifetimeMs, checkAfterIdleMs } = options;
  return {
    maxConnectionsPerTenant,
    maxOpeningConnections,
    acquireTimeoutMs,
    maxWaitingPerTenant,
    maxWaiting,
    idleTimeoutMs,
    maxLifetimeMs,
    checkAfterIdleMs,
  };
}
