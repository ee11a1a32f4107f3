import type { TracedOperation } from '../observability/channels.ts';
import type { TenancyTracer } from '../observability/Tracing.ts';
import { codeOf } from './codeOf.ts';
import type { RecordMetric } from './recordEvents.ts';

/** Measures how long runs and acquisitions take. */
export class MetricsTracer implements TenancyTracer {
  readonly #record: RecordMetric;

  constructor(record: RecordMetric) {
    this.#record = record;
  }

  async trace<R>(operation: TracedOperation, _tenantId: string, work: () => Promise<R>): Promise<R> {
    const startedAt = performance.now();
    const over = (code: string): void => {
      this.#record(`tenancy.${operation}.duration`, (performance.now() - startedAt) / 1_000, { code });
    };
    try {
      const result = await work();
      over('OK');
      return result;
    } catch (error) {
      // What was thrown may be `undefined`, and is a failure all the same.
      over(codeOf(error ?? null));
      throw error;
    }
  }
}
