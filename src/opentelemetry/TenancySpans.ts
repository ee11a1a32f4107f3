import {
  type Attributes,
  type Context,
  context,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { TenancyError } from '../errors.ts';
import type { TenancyEmitter, TenancyEvents } from '../events.ts';
import type { TracedOperation } from '../observability/channels.ts';
import type { TenancyTracer } from '../observability/Tracing.ts';

/** The attribute that says whose span it is. */
const TENANT_ID = 'tenancy.tenant.id';

/** A part of the work that an event told of when it was over. */
interface Past {
  readonly tookMs: number;
  readonly error?: unknown;
  readonly within?: Context;
}

/**
 * Spans of runs and acquisitions, which are active while the work is under way, and of what events tell when it is over:
 * opening, waiting, migrating, and the steps of what is done to a tenant. They belong to the span in whose context the
 * event comes.
 */
export class TenancySpans implements TenancyTracer {
  readonly #tracer: Tracer;
  /** By tenant and kind: one thing at a time is done to a tenant. */
  readonly #operations = new Map<string, Span>();

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  trace<R>(operation: TracedOperation, tenantId: string, work: () => Promise<R>): Promise<R> {
    const attributes = { [TENANT_ID]: tenantId };
    return this.#tracer.startActiveSpan(`tenant.${operation}`, { attributes }, async (span) => {
      try {
        return await work();
      } catch (error) {
        fail(span, error);
        throw error;
      } finally {
        span.end();
      }
    });
  }

  /** Makes spans of what events tell. Returns what ends it, with the spans that are open. */
  listen(events: TenancyEmitter): () => void {
    const opened = ({ tenantId, tookMs, generation }: TenancyEvents['tenant:opened']): void =>
      this.#past('tenant.open', { [TENANT_ID]: tenantId, 'tenancy.generation': generation }, { tookMs });
    const waited = ({ tenantId, server, tookMs, error }: TenancyEvents['connection:waited']): void =>
      this.#past('tenant.connection.wait', { [TENANT_ID]: tenantId, 'tenancy.server': server }, { tookMs, error });
    const migrated =
      (direction: 'up' | 'down') =>
      ({ tenantId, migrations, tookMs }: TenancyEvents['migration:applied']): void =>
        this.#past(
          'tenant.migrate',
          { [TENANT_ID]: tenantId, 'tenancy.migrations': [...migrations], 'tenancy.migration.direction': direction },
          { tookMs },
        );
    const [applied, reverted] = [migrated('up'), migrated('down')];
    const started = (event: TenancyEvents['operation:started']): void => this.#begin(event);
    const stepped = (event: TenancyEvents['operation:step-done']): void => this.#step(event);
    const ended = (event: TenancyEvents['operation:ended']): void => this.#end(event);
    events.on('tenant:opened', opened).on('connection:waited', waited);
    events.on('migration:applied', applied).on('migration:reverted', reverted);
    events.on('operation:started', started).on('operation:step-done', stepped).on('operation:ended', ended);
    return () => {
      events.off('tenant:opened', opened).off('connection:waited', waited);
      events.off('migration:applied', applied).off('migration:reverted', reverted);
      events.off('operation:started', started).off('operation:step-done', stepped).off('operation:ended', ended);
      for (const span of this.#operations.values()) {
        span.end();
      }
      this.#operations.clear();
    };
  }

  #past(name: string, attributes: Attributes, { tookMs, error, within = context.active() }: Past): void {
    const now = performance.timeOrigin + performance.now();
    const span = this.#tracer.startSpan(name, { attributes, startTime: now - tookMs }, within);
    if (error !== undefined) {
      fail(span, error);
    }
    span.end(now);
  }

  #begin({ kind, tenantId, attempt, operationId }: TenancyEvents['operation:started']): void {
    const attributes = {
      [TENANT_ID]: tenantId,
      'tenancy.operation.attempt': attempt,
      ...(operationId === undefined ? {} : { 'tenancy.operation.id': operationId }),
    };
    const key = `${kind} ${tenantId}`;
    this.#operations.get(key)?.end();
    this.#operations.set(key, this.#tracer.startSpan(`tenant.${kind}`, { attributes }));
  }

  #step({ kind, tenantId, step, tookMs }: TenancyEvents['operation:step-done']): void {
    const operation = this.#operations.get(`${kind} ${tenantId}`);
    const within = operation === undefined ? context.active() : trace.setSpan(context.active(), operation);
    this.#past(`tenant.${kind} ${step}`, { [TENANT_ID]: tenantId }, { tookMs, within });
  }

  #end({ kind, tenantId, state, error }: TenancyEvents['operation:ended']): void {
    const key = `${kind} ${tenantId}`;
    const span = this.#operations.get(key);
    this.#operations.delete(key);
    span?.setAttribute('tenancy.operation.state', state);
    if (error !== undefined) {
      span?.setAttribute('tenancy.operation.step', error.step).setStatus({ code: SpanStatusCode.ERROR });
    }
    span?.end();
  }
}

/**
 * Says that the work failed, and of which kind the error is. The messages of this library hold no secret and are there as
 * well; those of others are not, for the driver puts statements with their values into its own.
 */
function fail(span: Span, error: unknown): void {
  const isOurs = error instanceof TenancyError;
  const type = isOurs ? error.code : error instanceof Error ? error.name : typeof error;
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR, ...(isOurs ? { message: error.message } : {}) });
}
