/** What one metric is. No label is a tenant: there may be a hundred thousand of them, and each value is a time series. */
export interface MetricDefinition {
  readonly kind: 'counter' | 'histogram' | 'gauge';
  readonly unit: 's' | '';
  readonly description: string;
  readonly labels: readonly string[];
}

const counter = <L extends string>(description: string, ...labels: readonly L[]) =>
  ({ kind: 'counter', unit: '', description, labels }) as const;
const seconds = <L extends string>(description: string, ...labels: readonly L[]) =>
  ({ kind: 'histogram', unit: 's', description, labels }) as const;
const gauge = <L extends string>(description: string, ...labels: readonly L[]) =>
  ({ kind: 'gauge', unit: '', description, labels }) as const;

/** The metrics, by their names in OpenTelemetry; Prometheus has them as {@link prometheusName} says. */
export const METRICS = Object.freeze({
  'tenancy.run.duration': seconds('Work in the context of a tenant', 'code'),
  'tenancy.acquire.duration': seconds('Finding and opening a tenant for a lease', 'code'),
  'tenancy.tenants': gauge('Tenants that are open, opening, or leased', 'state'),
  'tenancy.leases': gauge('Leases that are held'),
  'tenancy.tenant.open.duration': seconds('Opening a tenant, without connections'),
  'tenancy.tenant.open.failures': counter('Tenants that could not be opened', 'code'),
  'tenancy.tenant.closed': counter('Tenants that were closed', 'reason'),
  'tenancy.tenant.behind': counter('Tenants that lacked migrations when they were opened', 'when_behind'),
  'tenancy.tenant.wrong_entities': counter('Entities of another tenant that were refused'),
  'tenancy.connections': gauge('Sockets to a server', 'server', 'budget', 'state'),
  'tenancy.connections.limit': gauge('What the sockets of a budget never exceed', 'server', 'budget'),
  'tenancy.connection.waiters': gauge('Callers that wait for a connection', 'server', 'budget'),
  'tenancy.connection.longest_wait': {
    ...gauge('For how long the first of them has waited', 'server', 'budget'),
    unit: 's',
  },
  'tenancy.connection.wait.duration': seconds('Callers that had to wait for a connection', 'server', 'code'),
  'tenancy.connection.open.duration': seconds('Opening a connection', 'server'),
  'tenancy.connection.open.failures': counter('Connections that could not be opened', 'server', 'code'),
  'tenancy.connection.closed': counter('Connections that were closed', 'server', 'reason'),
  'tenancy.connection.tainted': counter('Connections left in a state in which nobody can use them', 'server'),
  'tenancy.connection.leaked': counter('Connections held for longer than `leakWarningMs`', 'server'),
  'tenancy.server.breaker': gauge('0: connections are opened; 1: one at a time is tried; 2: none', 'server', 'route'),
  'tenancy.server.outages': counter('Times that a server went down', 'server', 'route'),
  'tenancy.migration.duration': seconds('Migrating one tenant', 'direction'),
  'tenancy.migration.failures': counter('Migrations on a first access that failed', 'code'),
  'tenancy.fleet.tenants': counter('Tenants that a run over the fleet is done with', 'state'),
  'tenancy.fleet.delays': counter('Tenants that a run over the fleet puts off'),
  'tenancy.fleet.heartbeat_failures': counter('Signs of life of a worker that were not written down'),
  'tenancy.operations': counter('What was done to tenants', 'kind', 'state'),
  'tenancy.operation.step.duration': seconds('A step of what is done to a tenant', 'kind', 'step'),
  'tenancy.spares.made': counter('Databases made for tenants to come', 'server'),
  'tenancy.spares.failures': counter('Databases for tenants to come that could not be made', 'server'),
  'tenancy.catalog.changes': counter('Tenants that changed in the catalogue'),
  'tenancy.catalog.failures': counter('Times that the catalogue could not be read any more'),
  'tenancy.resolution.refusals': counter('Requests that got no tenant', 'code'),
}) satisfies Readonly<Record<string, MetricDefinition>>;

type Metrics = typeof METRICS;

/** The name of a metric, in OpenTelemetry. */
export type MetricName = keyof Metrics;

/** The metrics of one kind. */
export type MetricOf<Kind extends MetricDefinition['kind']> = {
  [N in MetricName]: Metrics[N]['kind'] extends Kind ? N : never;
}[MetricName];

/** The labels of a metric, each with a value. */
export type LabelsOf<N extends MetricName> = Readonly<Record<Metrics[N]['labels'][number], string>>;

/** From milliseconds to minutes; opening a tenant takes the least, migrating one the most. */
export const SECONDS_BUCKETS: readonly number[] = Object.freeze([
  ...[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
]);

/** What OpenTelemetry's own exporter for Prometheus makes of the name, so that one dashboard serves both. */
export function prometheusName(name: MetricName): string {
  const { kind, unit }: MetricDefinition = METRICS[name];
  return `${name.replaceAll('.', '_')}${unit === 's' ? '_seconds' : ''}${kind === 'counter' ? '_total' : ''}`;
}
