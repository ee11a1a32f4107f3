import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ResponseEnd } from './ResponseEnd.ts';

/** Tells when responses are over. One for all requests of a middleware. */
export class ResponseWatch {
  readonly #queued = new WeakMap<Socket, Set<() => void>>();

  /** The end of this response, which may be over already. */
  endOf(req: IncomingMessage, res: ServerResponse): ResponseEnd {
    const over = new ResponseEnd(res);
    const end = (): void => over.end();
    if (hasEnded(req, res)) {
      end();
      return over;
    }
    // Listeners of the application, who come later, still have the tenant.
    res.on('finish', () => queueMicrotask(end));
    res.on('close', end);
    if (isQueued(req, res)) {
      const callbacks = this.#callbacksOn(req.socket);
      callbacks.add(end);
      res.on('close', () => callbacks.delete(end));
    }
    return over;
  }

  /** One listener a socket, however many pipelined requests wait on it. */
  #callbacksOn(socket: Socket): Set<() => void> {
    const known = this.#queued.get(socket);
    if (known !== undefined) {
      return known;
    }
    const callbacks = new Set<() => void>();
    this.#queued.set(socket, callbacks);
    socket.once('close', () => {
      for (const callback of callbacks) {
        callback();
      }
    });
    return callbacks;
  }
}

function hasEnded(req: IncomingMessage, res: ServerResponse): boolean {
  const isGone = 'stream' in req ? isDestroyed(req.stream) : isDestroyed(req.socket);
  return isGone || res.closed || res.writableFinished;
}

/** Duck-typed: HTTP/2 gives a stream where HTTP/1 has a socket. */
function isDestroyed(source: unknown): boolean {
  return typeof source === 'object' && source !== null && 'destroyed' in source && source.destroyed === true;
}

/**
 * A pipelined response has no socket before those ahead of it are sent. Node before 24 does not emit its 'close' when
 * the client leaves meanwhile, and nothing else would ever end it.
 */
function isQueued(req: IncomingMessage, res: ServerResponse): boolean {
  return req.httpVersionMajor < 2 && res.socket === null;
}
