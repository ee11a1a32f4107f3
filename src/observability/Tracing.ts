import { type TracedOperation, traceOf } from './channels.ts';

/** Is around an operation, so that whatever happens in it belongs to it. */
export interface TenancyTracer {
  /** Gives what `work` gives, and throws what it throws. */
  trace<R>(operation: TracedOperation, tenantId: string, work: () => Promise<R>): Promise<R>;
}

/** How a context asks its manager whether somebody watches. */
export const TRACING = Symbol('mikro-orm-multitenancy.tracing');

/** A manager whose operations can be watched. */
export interface TracedManager {
  readonly [TRACING]?: Tracing | undefined;
}

const CHANNELS = { run: traceOf('run'), acquire: traceOf('acquire') };

/** Who watches the operations of one manager. Asking whether there is somebody is all that an unwatched run costs. */
export class Tracing {
  #tracers: readonly TenancyTracer[] = [];

  /** Returns what ends it. Operations under way are watched to their end. */
  add(tracer: TenancyTracer): () => void {
    this.#tracers = [...this.#tracers, tracer];
    return () => {
      this.#tracers = this.#tracers.filter((other) => other !== tracer);
    };
  }

  isWatched(operation: TracedOperation): boolean {
    return this.#tracers.length > 0 || CHANNELS[operation].hasSubscribers;
  }

  /** Runs `work` with every tracer around it, the first one outermost, and the channel inside of them. */
  trace<R>(operation: TracedOperation, tenantId: string, work: () => Promise<R>): Promise<R> {
    const channel = CHANNELS[operation];
    const published = channel.hasSubscribers ? () => channel.tracePromise(work, { tenantId }) : work;
    const watched = this.#tracers.reduceRight<() => Promise<R>>(
      (inner, tracer) => () => tracer.trace(operation, tenantId, inner),
      published,
    );
    return watched();
  }
}
