import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { percentile } from '../support/arrivals.ts';
import { exchange, type HttpAnswer } from '../support/exchange.ts';
import type { Traffic } from '../support/traffic.ts';

export interface LoadTurn {
  /** Of answers with status 200. */
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly answered: number;
  /** How often each error came, by its code. */
  readonly errors: Readonly<Record<string, number>>;
}

const requestOf = (tenant: number, table: number): string =>
  `GET /${table} HTTP/1.1\r\nHost: t${tenant}.example.com\r\nAccept: application/json\r\n\r\n`;

/** Sends requests on keep-alive connections, each as soon as the one before it has been answered. */
export class PeerLoad implements Disposable {
  readonly #sockets: readonly Socket[];

  static async open(port: number, connections: number): Promise<PeerLoad> {
    const sockets = Array.from({ length: connections }, () => connect({ port, host: '127.0.0.1', noDelay: true }));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    return new PeerLoad(sockets);
  }

  private constructor(sockets: readonly Socket[]) {
    this.#sockets = sockets;
  }

  ask(tenant: number, table: number): Promise<HttpAnswer> {
    return exchange(this.#sockets[0] as Socket, requestOf(tenant, table));
  }

  /** Rows of the first table of tenants that the traffic chooses. */
  async run(traffic: Traffic, durationMs: number): Promise<LoadTurn> {
    const took: number[] = [];
    const errors: Record<string, number> = {};
    const startedAt = performance.now();
    const client = async (socket: Socket): Promise<void> => {
      for (let at = startedAt; at < startedAt + durationMs; ) {
        const { status, text } = await exchange(socket, requestOf(traffic(), 0));
        const now = performance.now();
        if (status === 200) {
          took.push(now - at);
        } else {
          errors[text] = (errors[text] ?? 0) + 1;
        }
        at = now;
      }
    };
    await Promise.all(this.#sockets.map(client));
    const perSecond = (took.length * 1_000) / (performance.now() - startedAt);
    return { perSecond, p50: percentile(took, 0.5), p99: percentile(took, 0.99), answered: took.length, errors };
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }
}
