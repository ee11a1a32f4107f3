import type {
  Attributes,
  BatchObservableCallback,
  Counter,
  Histogram,
  Meter,
  ObservableGauge,
} from '@opentelemetry/api';
import {
  METRICS,
  type MetricDefinition,
  type MetricName,
  type MetricOf,
  SECONDS_BUCKETS,
} from '../metrics/definitions.ts';
import { observeStats } from '../metrics/observeStats.ts';
import type { RecordMetric } from '../metrics/recordEvents.ts';
import type { TenantOrmManagerStats } from '../TenantOrmManager.ts';

/** The library's metrics as instruments of one meter. */
export class TenancyInstruments {
  readonly #meter: Meter;
  readonly #counters = new Map<MetricName, Counter>();
  readonly #histograms = new Map<MetricName, Histogram>();
  readonly #gauges = new Map<MetricName, ObservableGauge>();

  constructor(meter: Meter) {
    this.#meter = meter;
    for (const [name, definition] of Object.entries(METRICS) as [MetricName, MetricDefinition][]) {
      this.#add(name, definition);
    }
  }

  #add(name: MetricName, { kind, unit, description }: MetricDefinition): void {
    const options = { unit, description };
    switch (kind) {
      case 'counter':
        this.#counters.set(name, this.#meter.createCounter(name, options));
        break;
      case 'histogram': {
        const advice = { explicitBucketBoundaries: [...SECONDS_BUCKETS] };
        this.#histograms.set(name, this.#meter.createHistogram(name, { ...options, advice }));
        break;
      }
      case 'gauge':
        this.#gauges.set(name, this.#meter.createObservableGauge(name, options));
    }
  }

  readonly record: RecordMetric = (name, value, labels) => {
    const attributes = labels as Attributes;
    this.#counters.get(name)?.add(value, attributes);
    this.#histograms.get(name)?.record(value, attributes);
  };

  /** Gives the gauges their values whenever they are asked for. Returns what ends it. */
  observe(stats: () => TenantOrmManagerStats): () => void {
    const gauges = [...this.#gauges.values()];
    const callback: BatchObservableCallback = (result) => {
      observeStats(stats(), (name: MetricOf<'gauge'>, value, labels) => {
        const gauge = this.#gauges.get(name);
        if (gauge !== undefined) {
          result.observe(gauge, value, labels as Attributes);
        }
      });
    };
    this.#meter.addBatchObservableCallback(callback, gauges);
    return () => this.#meter.removeBatchObservableCallback(callback, gauges);
  }
}
