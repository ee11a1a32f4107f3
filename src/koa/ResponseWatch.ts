import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Tells when responses are over. One for all requests of a middleware. */
export class ResponseWatch {
  readonly #queued = new WeakMap<Socket, Set<() => void>>();

  /** Resolves once the response has been sent or its client is gone, at once if that has happened. Never rejects. */
  ended(req: IncomingMessage, res: ServerResponse): Promise<void> {
    return new Promise((resolve) => {
      if (hasEnded(req, res)) {
        resolve();
        return;
      }
      res.once('finish', resolve);
      res.once('close', resolve);
      if (isQueued(req, res)) {
        const callbacks = this.#callbacksOn(req.socket);
        callbacks.add(resolve);
        res.once('close', () => callbacks.delete(resolve));
      }
    });
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
