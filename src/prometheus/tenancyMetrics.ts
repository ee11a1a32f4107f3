import { Counter, register as DEFAULT_REGISTER, Gauge, Histogram, type Registry } from 'prom-client';
import {
  METRICS,
  type MetricDefinition,
  type MetricName,
  type MetricOf,
  prometheusName,
  SECONDS_BUCKETS,
} from '../metrics/definitions.ts';
import { MetricsTracer } from '../metrics/MetricsTracer.ts';
import { observeStats } from '../metrics/observeStats.ts';
import { type RecordMetric, recordEvents } from '../metrics/recordEvents.ts';
import type { WatchedManager } from '../metrics/WatchedManager.ts';
import { TRACING } from '../observability/Tracing.ts';

/** Options of {@link tenancyMetrics}. */
export interface TenancyMetricsOptions {
  /** Where the metrics are registered. @default the registry of prom-client itself */
  readonly register?: Registry | undefined;
  /** Limits of the buckets of every histogram, in seconds. @default 0.5 ms to 5 minutes */
  readonly buckets?: readonly number[] | undefined;
}

/** Metrics of one manager. */
export interface TenancyMetrics {
  /** Measures no more, and takes the metrics out of the registry. */
  stop(): void;
}

/** The names of all metrics. */
export const tenancyMetricNames: readonly string[] = Object.freeze(
  (Object.keys(METRICS) as MetricName[]).map(prometheusName),
);

const of = <Kind extends MetricDefinition['kind']>(kind: Kind): [MetricOf<Kind>, MetricDefinition][] =>
  Object.entries(METRICS).filter(([, definition]) => definition.kind === kind) as never;

/**
 * Registers what `manager` does as metrics of prom-client: counters and histograms by its events, gauges by its figures at
 * the time of the scrape. No label is a tenant. A registry takes one manager; prom-client refuses a second one.
 */
export function tenancyMetrics(manager: WatchedManager, options: TenancyMetricsOptions = {}): TenancyMetrics {
  const { register = DEFAULT_REGISTER, buckets = SECONDS_BUCKETS } = options;
  const common = (name: MetricName, { description, labels }: MetricDefinition) => ({
    name: prometheusName(name),
    help: description,
    labelNames: labels,
    registers: [register],
  });
  const counters = new Map(of('counter').map(([name, is]) => [name, new Counter(common(name, is))]));
  const histograms = new Map(
    of('histogram').map(([name, is]) => [name, new Histogram({ ...common(name, is), buckets: [...buckets] })]),
  );
  const gauges = new Map<MetricOf<'gauge'>, Gauge>();
  const observe = onceForAll(() => {
    for (const gauge of gauges.values()) {
      // A server may be gone from the figures.
      gauge.reset();
    }
    observeStats(manager.stats(), (name, value, labels) => gauges.get(name)?.set(labels, value));
  });
  for (const [name, is] of of('gauge')) {
    gauges.set(name, new Gauge({ ...common(name, is), collect: observe }));
  }
  const record: RecordMetric = (name, value, labels) => {
    counters.get(name as MetricOf<'counter'>)?.inc(labels, value);
    histograms.get(name as MetricOf<'histogram'>)?.observe(labels, value);
  };
  const stops = [recordEvents(manager.events, record), manager[TRACING].add(new MetricsTracer(record))];
  return {
    stop: () => {
      for (const stop of stops) {
        stop();
      }
      for (const name of tenancyMetricNames) {
        register.removeSingleMetric(name);
      }
    },
  };
}

/** Every gauge is collected in the same turn, and all of them come from one look at the figures. */
function onceForAll(observe: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) {
      isDone = true;
      queueMicrotask(() => {
        isDone = false;
      });
      observe();
    }
  };
}
