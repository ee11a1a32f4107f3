import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';

/**
 * Lets a body stream produce its data in the async context of this call. Koa reads the body when the middleware is
 * over, and a generator behind it would otherwise run without a tenant.
 */
export function keepContext(body: unknown): void {
  if (body instanceof Readable) {
    const inside = AsyncLocalStorage.snapshot();
    const { _read, _destroy } = body;
    body._read = (size) => inside(() => _read.call(body, size));
    body._destroy = (error, callback) => inside(() => _destroy.call(body, error, callback));
  }
}

const INNER = Symbol('emit');

/**
 * Lets the events of requests and responses run their listeners in the async context of this call. They are emitted by
 * the connection, and what goes on from there, as after a body was parsed, would otherwise have no tenant.
 */
export function keepContextOfEvents(...emitters: readonly EventEmitter[]): void {
  const inside = AsyncLocalStorage.snapshot();
  for (const emitter of emitters) {
    // Once more, after another `tenancy`: the context of the later call holds.
    const emit: typeof emitter.emit = Reflect.get(emitter.emit, INNER) ?? emitter.emit;
    const outer: typeof emitter.emit = (...event) => inside(() => emit.apply(emitter, event));
    emitter.emit = Object.assign(outer, { [INNER]: emit });
  }
}
