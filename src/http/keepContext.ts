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

/**
 * The same for a web stream, in place. Whoever reads it makes it produce, and the server reads a response when its
 * handler is over.
 */
export function keepContextOfStream(body: ReadableStream | null): void {
  if (body === null) {
    return;
  }
  const inside = AsyncLocalStorage.snapshot();
  const getReader = body.getReader as () => ReadableStreamDefaultReader;
  const insideReader = (): ReadableStreamDefaultReader => {
    const reader = getReader.call(body);
    const { read, cancel } = reader;
    reader.read = () => inside(() => read.call(reader));
    reader.cancel = (reason) => inside(() => cancel.call(reader, reason));
    return reader;
  };
  body.getReader = insideReader as typeof body.getReader;
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
