import { AsyncLocalStorage } from 'node:async_hooks';
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
