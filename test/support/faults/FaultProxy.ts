import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { ProxiedConnection, type ProxyFaults } from './ProxiedConnection.ts';

/** What a test may wait for. */
export interface ProxyState {
  /** Clients that are connected now. */
  readonly connections: number;
  /** Clients that ever connected. */
  readonly accepted: number;
  /** Bytes of clients that were held back since the last {@link FaultProxy.stall} or {@link FaultProxy.holdHandshakes}. */
  readonly heldBytes: number;
}

/**
 * A TCP proxy between the library and PostgreSQL that does what networks do: it falls silent, resets, cuts an answer
 * half way, is slow to authenticate, goes away and comes back.
 */
export class FaultProxy implements AsyncDisposable {
  readonly #changed = new EventEmitter();
  readonly #connections = new Set<ProxiedConnection>();
  readonly #faults: ProxyFaults = { isStalled: false, holdsHandshakes: false, cutAtMessage: undefined };
  #target: URL;
  #port = 0;
  #server: Server;
  #accepted = 0;

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = this.#serve();
  }

  static async start(target: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    await proxy.listen();
    return proxy;
  }

  /** `postgresql://user:password@host:port` of the proxy. */
  get url(): string {
    const url = new URL(this.#target);
    url.hostname = '127.0.0.1';
    url.port = String(this.#port);
    return url.href;
  }

  get state(): ProxyState {
    const heldBytes = [...this.#connections].reduce((sum, one) => sum + one.heldBytes, 0);
    return { connections: this.#connections.size, accepted: this.#accepted, heldBytes };
  }

  /** Resolves as soon as the state is so. */
  async when(isSo: (state: ProxyState) => boolean): Promise<void> {
    while (!isSo(this.state)) {
      await once(this.#changed, 'changed');
    }
  }

  /** Accepts and forwards nothing, in neither direction; not even that one side is gone. */
  stall(): void {
    this.#faults.isStalled = true;
  }

  /** Answers nothing to whoever connects from now on, as a server that cannot authenticate anybody. */
  holdHandshakes(): void {
    this.#faults.holdsHandshakes = true;
  }

  /** Ends {@link stall} and {@link holdHandshakes}: what was held back goes on, unless its sender is gone. */
  resume(): void {
    this.#faults.isStalled = false;
    this.#faults.holdsHandshakes = false;
    for (const connection of this.#connections) {
      connection.forward();
    }
  }

  /** Cuts every connection with a RST. */
  reset(): void {
    for (const connection of this.#connections) {
      connection.reset();
    }
  }

  /** Cuts the next connection to which the server sends a message of this type, in the middle of that message. */
  cutAtMessage(type: string): void {
    this.#faults.cutAtMessage = type;
  }

  /** Leads new connections to another server; old ones stay, as after a change of a DNS record. */
  leadTo(target: string): void {
    this.#target = new URL(target);
  }

  /** Refuses whoever connects. Connections that exist go on. */
  async stopListening(): Promise<void> {
    this.#server.close();
    await this.#whenClosed();
  }

  /** Listens again, at the same address. */
  async listen(): Promise<void> {
    if (this.#server.listening) {
      return;
    }
    this.#server = this.#serve();
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** A server with connections says that it is closed only once they are gone. */
  async #whenClosed(): Promise<void> {
    if (this.#server.listening) {
      await once(this.#server, 'close');
    }
  }

  #serve(): Server {
    return createServer((client) => {
      const upstream = connect(Number(this.#target.port), this.#target.hostname);
      const connection = new ProxiedConnection(client, upstream, this.#faults, () => {
        if (connection.isGone) {
          this.#connections.delete(connection);
        }
        this.#changed.emit('changed');
      });
      this.#accepted += 1;
      this.#connections.add(connection);
      this.#changed.emit('changed');
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.reset();
    await this.when(({ connections }) => connections === 0);
  }
}
