import type { BreakerState, PostgresServerStats } from '../connections/PostgresServer.ts';
import type { TenantOrmManagerStats } from '../TenantOrmManager.ts';
import type { LabelsOf, MetricOf } from './definitions.ts';

/** Takes the value that a gauge has now. */
export type ObserveGauge = <N extends MetricOf<'gauge'>>(name: N, value: number, labels: LabelsOf<N>) => void;

const BREAKER: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 1, open: 2 };

/** Gives every gauge its values. */
export function observeStats(
  { handles, leases, servers, central }: TenantOrmManagerStats,
  observe: ObserveGauge,
): void {
  for (const [state, count] of Object.entries(handles)) {
    observe('tenancy.tenants', count, { state });
  }
  observe('tenancy.leases', leases, {});
  for (const [server, stats] of Object.entries(servers)) {
    observeServer(server, stats, observe);
  }
  if (central !== undefined) {
    observeServer('central', central, observe);
  }
}

function observeServer(server: string, stats: PostgresServerStats, observe: ObserveGauge): void {
  for (const budget of ['requests', 'reserved'] as const) {
    const { opening, idle, inUse, closing, limit, waiting, longestWaitMs } = stats[budget];
    for (const [state, count] of Object.entries({ opening, idle, in_use: inUse, closing })) {
      observe('tenancy.connections', count, { server, budget, state });
    }
    observe('tenancy.connections.limit', limit, { server, budget });
    observe('tenancy.connection.waiters', waiting, { server, budget });
    observe('tenancy.connection.longest_wait', longestWaitMs / 1_000, { server, budget });
  }
  for (const [route, state] of Object.entries(stats.breakers) as [string, BreakerState][]) {
    observe('tenancy.server.breaker', BREAKER[state], { server, route });
  }
}
