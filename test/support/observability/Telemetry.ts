import { context, type HrTime, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

const A_DAY_MS = 86_400_000;

/** OpenTelemetry's own SDK, which keeps in memory what it would export. Its context manager is that of the process. */
export class Telemetry implements AsyncDisposable {
  readonly #exporter = new InMemorySpanExporter();
  readonly #metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  readonly tracerProvider = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter: this.#exporter })],
  });
  readonly meterProvider: MeterProvider;

  constructor() {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const reader = new PeriodicExportingMetricReader({ exporter: this.#metrics, exportIntervalMillis: A_DAY_MS });
    this.meterProvider = new MeterProvider({ readers: [reader] });
  }

  /** The spans that have ended, in the order of their beginnings. */
  get spans(): ReadableSpan[] {
    return [...this.#exporter.getFinishedSpans()].sort((one, other) => at(one.startTime) - at(other.startTime));
  }

  /** `name of tenant < parent`, for each span that `isWanted`. */
  tree(isWanted: (span: ReadableSpan) => boolean = () => true): string[] {
    const byId = new Map(this.spans.map((span) => [span.spanContext().spanId, span]));
    const shown = (span: ReadableSpan): string => `${span.name} of ${String(span.attributes['tenancy.tenant.id'])}`;
    return this.spans.filter(isWanted).map((span) => {
      const parent = byId.get(span.parentSpanContext?.spanId ?? '');
      return parent === undefined ? shown(span) : `${shown(span)} < ${shown(parent)}`;
    });
  }

  /** The values of one metric now, with their labels. */
  async metric(name: string): Promise<readonly { readonly attributes: object; readonly value: unknown }[]> {
    const all = await this.allMetrics();
    return all.filter((metric) => metric.descriptor.name === name).flatMap(({ dataPoints }) => [...dataPoints]);
  }

  async allMetrics() {
    this.#metrics.reset();
    await this.meterProvider.forceFlush();
    return this.#metrics.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.tracerProvider.shutdown(), this.meterProvider.shutdown()]);
    context.disable();
    trace.disable();
  }
}

function at([seconds, nanoseconds]: HrTime): number {
  return seconds * 1e9 + nanoseconds;
}
