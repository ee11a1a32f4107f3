import type { Socket } from 'node:net';

/** What a proxy does wrong now; its connections look at it with every byte. */
export interface ProxyFaults {
  isStalled: boolean;
  holdsHandshakes: boolean;
  /** The type of the server's message in which the next connection is cut. */
  cutAtMessage: string | undefined;
}

/** Length of a PostgreSQL message's type and length fields. */
const MESSAGE_HEADER_BYTES = 5;
/** What the server says when it waits for the first statement. */
const READY_FOR_QUERY = 'Z';

/** One client of a {@link FaultProxy} and the socket that stands for it at the server. */
export class ProxiedConnection {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #faults: ProxyFaults;
  readonly #onChange: () => void;
  readonly #fromClient: Buffer[] = [];
  readonly #fromServer: Buffer[] = [];
  /** What has come of the server's message that is not whole yet. */
  #partial: Buffer = Buffer.alloc(0);
  #isAuthenticated = false;
  #clientIsGone = false;
  #upstreamIsGone = false;

  constructor(client: Socket, upstream: Socket, faults: ProxyFaults, onChange: () => void) {
    this.#client = client;
    this.#upstream = upstream;
    this.#faults = faults;
    this.#onChange = onChange;
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    client.on('data', (bytes) => this.#hear(this.#fromClient, bytes));
    upstream.on('data', (bytes) => this.#hear(this.#fromServer, bytes));
    // A reset is told by `close` as well.
    client.on('error', () => {});
    upstream.on('error', () => {});
    client.once('close', () => this.#left('client'));
    upstream.once('close', () => this.#left('server'));
  }

  get heldBytes(): number {
    return this.#fromClient.reduce((sum, bytes) => sum + bytes.length, 0);
  }

  get isGone(): boolean {
    return this.#clientIsGone && this.#upstreamIsGone;
  }

  /** Passes on what may be passed on. */
  forward(): void {
    if (this.#isHeld) {
      return;
    }
    if (this.#clientIsGone) {
      // What was held back is lost; that its client is gone, the server hears now.
      this.#fromClient.length = 0;
      this.#upstream.end();
      return;
    }
    for (const bytes of this.#fromClient.splice(0)) {
      this.#upstream.write(bytes);
    }
    // One packet for what came in one, not one for each message.
    this.#client.cork();
    for (const bytes of this.#fromServer.splice(0)) {
      this.#answer(bytes);
    }
    this.#client.uncork();
    if (this.#upstreamIsGone) {
      this.#client.end();
    }
  }

  reset(): void {
    for (const socket of [this.#client, this.#upstream]) {
      resetNow(socket);
    }
  }

  get #isHeld(): boolean {
    return this.#faults.isStalled || (this.#faults.holdsHandshakes && !this.#isAuthenticated);
  }

  #hear(into: Buffer[], bytes: Buffer): void {
    into.push(bytes);
    this.forward();
    this.#onChange();
  }

  #left(who: 'client' | 'server'): void {
    this.#clientIsGone ||= who === 'client';
    this.#upstreamIsGone ||= who === 'server';
    this.forward();
    this.#onChange();
  }

  /** Passes whole messages of the server on: type, length, body. */
  #answer(bytes: Buffer): void {
    let rest = Buffer.concat([this.#partial, bytes]);
    while (rest.length >= MESSAGE_HEADER_BYTES) {
      const type = String.fromCharCode(rest[0] ?? 0);
      if (this.#isAuthenticated && type === this.#faults.cutAtMessage) {
        this.#faults.cutAtMessage = undefined;
        this.#client.end(rest.subarray(0, MESSAGE_HEADER_BYTES));
        this.#upstream.destroy();
        return;
      }
      const length = 1 + rest.readInt32BE(1);
      if (rest.length < length) {
        break;
      }
      this.#client.write(rest.subarray(0, length));
      this.#isAuthenticated ||= type === READY_FOR_QUERY;
      rest = rest.subarray(length);
    }
    this.#partial = rest;
  }
}

/**
 * Sends a RST, and closes the socket. `resetAndDestroy` ends it first, and where an error of the other side comes before
 * that is done, libuv refuses to reset a socket that is shutting down: then it never closes, and `close` never comes.
 */
function resetNow(socket: Socket & { resetAndClosing?: boolean }): void {
  socket.resetAndClosing = !socket.connecting && !socket.writableEnded && !socket.destroyed;
  socket.destroy();
}
