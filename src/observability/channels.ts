import { type Channel, channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import type { TenancyEvents } from '../events.ts';

/** What the names of all channels begin with. */
const PREFIX = 'mikro-orm-multitenancy';

/** What is watched from its beginning to its end. */
export type TracedOperation = 'acquire' | 'run';

/** What a tracing channel says of one operation. */
export interface TenancyTrace {
  readonly tenantId: string;
}

/** The message on each of the library's channels of `node:diagnostics_channel`, by the channel's name. */
export type TenancyChannels = {
  readonly [K in keyof TenancyEvents as `${typeof PREFIX}:${K}`]: TenancyEvents[K];
} & {
  /** Those that `node:diagnostics_channel` makes of `tracingChannel('mikro-orm-multitenancy:run')` and of `…:acquire`. */
  readonly [K in TracedOperation as `tracing:${typeof PREFIX}:${K}:${TracePoint}`]: TenancyTrace & TraceOutcome;
};

type TracePoint = 'start' | 'end' | 'asyncStart' | 'asyncEnd' | 'error';

/** What Node.js adds to a trace when the operation is over. */
interface TraceOutcome {
  readonly result?: unknown;
  readonly error?: unknown;
}

/** The channel of an event. */
export function channelOf(event: string): Channel {
  return channel(`${PREFIX}:${event}`);
}

/** The channels of an operation. */
export function traceOf(operation: TracedOperation): TracingChannel<unknown, TenancyTrace> {
  return tracingChannel(`${PREFIX}:${operation}`);
}
