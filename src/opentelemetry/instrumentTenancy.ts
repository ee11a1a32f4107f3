import { type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api';
import { MetricsTracer } from '../metrics/MetricsTracer.ts';
import { recordEvents } from '../metrics/recordEvents.ts';
import type { WatchedManager } from '../metrics/WatchedManager.ts';
import { TRACING } from '../observability/Tracing.ts';
import { TenancyInstruments } from './TenancyInstruments.ts';
import { TenancySpans } from './TenancySpans.ts';

/** The instrumentation scope of everything that this library reports. */
const SCOPE = 'mikro-orm-multitenancy';

/** Options of {@link instrumentTenancy}. */
export interface InstrumentationOptions {
  /** @default the global one of `@opentelemetry/api` */
  readonly tracerProvider?: TracerProvider | undefined;
  /** @default the global one of `@opentelemetry/api` */
  readonly meterProvider?: MeterProvider | undefined;
}

/** What OpenTelemetry gets of one manager. */
export interface TenancyInstrumentation {
  /** Reports no more. Spans of runs under way end as they would. */
  stop(): void;
}

/**
 * Reports what `manager` does to OpenTelemetry. Spans say the tenant, as `tenancy.tenant.id`; no metric does. Neither
 * says what an error that is not of this library's own has for a message: those of a driver hold values of statements.
 */
export function instrumentTenancy(
  manager: WatchedManager,
  {
    tracerProvider = trace.getTracerProvider(),
    meterProvider = metrics.getMeterProvider(),
  }: InstrumentationOptions = {},
): TenancyInstrumentation {
  const spans = new TenancySpans(tracerProvider.getTracer(SCOPE));
  const instruments = new TenancyInstruments(meterProvider.getMeter(SCOPE));
  const stops = [
    manager[TRACING].add(spans),
    manager[TRACING].add(new MetricsTracer(instruments.record)),
    spans.listen(manager.events),
    recordEvents(manager.events, instruments.record),
    instruments.observe(() => manager.stats()),
  ];
  return {
    stop: () => {
      for (const stop of stops) {
        stop();
      }
    },
  };
}
