import type { TenancyEmitter, TenancyEvents } from '../events.ts';
import { codeOf, labelOf } from './codeOf.ts';
import type { LabelsOf, MetricOf } from './definitions.ts';

/** Takes what was measured: how many for a counter, or seconds. */
export type RecordMetric = <N extends MetricOf<'counter' | 'histogram'>>(
  name: N,
  value: number,
  labels: LabelsOf<N>,
) => void;

type Listeners = { readonly [K in keyof TenancyEvents]?: (event: TenancyEvents[K]) => void };

/** Records what events tell. Returns what ends it. */
export function recordEvents(events: TenancyEmitter, record: RecordMetric): () => void {
  const listeners = listenersFor(record);
  const each = Object.entries(listeners) as [keyof TenancyEvents, (event: never) => void][];
  for (const [name, listener] of each) {
    events.on(name, listener as never);
  }
  return () => {
    for (const [name, listener] of each) {
      events.off(name, listener as never);
    }
  };
}

const inSeconds = (ms: number): number => ms / 1_000;

function listenersFor(record: RecordMetric): Listeners {
  return {
    'tenant:opened': ({ tookMs }) => record('tenancy.tenant.open.duration', inSeconds(tookMs), {}),
    'tenant:open-failed': ({ error }) => record('tenancy.tenant.open.failures', 1, { code: codeOf(error) }),
    'tenant:evicted': ({ reason }) => record('tenancy.tenant.closed', 1, { reason }),
    'tenant:behind': ({ whenBehind }) => record('tenancy.tenant.behind', 1, { when_behind: whenBehind }),
    'tenant:wrong-entity': () => record('tenancy.tenant.wrong_entities', 1, {}),
    'connection:waited': ({ server, tookMs, error }) =>
      record('tenancy.connection.wait.duration', inSeconds(tookMs), { server, code: codeOf(error) }),
    'connection:opened': ({ server, tookMs }) =>
      record('tenancy.connection.open.duration', inSeconds(tookMs), { server }),
    'connection:failed': ({ server, error }) =>
      record('tenancy.connection.open.failures', 1, { server, code: codeOf(error) }),
    'connection:closed': ({ server, reason }) => record('tenancy.connection.closed', 1, { server, reason }),
    'connection:tainted': ({ server }) => record('tenancy.connection.tainted', 1, { server }),
    'connection:leaked': ({ server }) => record('tenancy.connection.leaked', 1, { server }),
    'server:down': ({ server, route }) => record('tenancy.server.outages', 1, { server, route }),
    'migration:applied': ({ tookMs }) => record('tenancy.migration.duration', inSeconds(tookMs), { direction: 'up' }),
    'migration:reverted': ({ tookMs }) =>
      record('tenancy.migration.duration', inSeconds(tookMs), { direction: 'down' }),
    'migration:failed': ({ error }) => record('tenancy.migration.failures', 1, { code: codeOf(error) }),
    'fleet:tenant-settled': ({ state }) => record('tenancy.fleet.tenants', 1, { state }),
    'fleet:tenant-delayed': () => record('tenancy.fleet.delays', 1, {}),
    'fleet:heartbeat-failed': () => record('tenancy.fleet.heartbeat_failures', 1, {}),
    'operation:ended': ({ kind, state }) => record('tenancy.operations', 1, { kind, state }),
    'operation:step-done': ({ kind, step, tookMs }) =>
      record('tenancy.operation.step.duration', inSeconds(tookMs), { kind, step }),
    'spares:made': ({ server }) => record('tenancy.spares.made', 1, { server }),
    'spares:failed': ({ server }) => record('tenancy.spares.failures', 1, { server }),
    'catalog:changed': ({ tenantIds }) => record('tenancy.catalog.changes', tenantIds.length, {}),
    'catalog:failed': () => record('tenancy.catalog.failures', 1, {}),
    'resolution:refused': ({ code }) => record('tenancy.resolution.refusals', 1, { code: labelOf(code) }),
  };
}
