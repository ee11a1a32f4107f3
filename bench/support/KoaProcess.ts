import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/**
 * Ours, with a `StaticCatalog`; with the catalogue of a central database; with a `StaticCatalog` and a central database
 * beside. Then one plain MikroORM; a plain MikroORM for each tenant, found by the Host and with a pool of its own; and the same
 * two without any ORM, which show what the number of databases itself costs.
 */
export type KoaServerKind =
  | 'tenancy'
  | 'tenancy-database'
  | 'tenancy-beside-central'
  | 'single-tenant'
  | 'plain-by-host'
  | 'bare-single'
  | 'bare-by-host';

export interface KoaServerOptions {
  readonly is: KoaServerKind;
  /** The PostgreSQL server, without a database. */
  readonly url: string;
  readonly databases: readonly string[];
  /** The central database, for those who have one. */
  readonly central?: string;
  /** How many entities the application has; the first requests read all of them, and the others the first. @default 1 */
  readonly entities?: number;
  /** How many rows an answer has. */
  readonly rows: number;
  /** Connections of the process. */
  readonly maxConnections: number;
  /** Connections of one tenant. */
  readonly maxConnectionsPerTenant: number;
}

export interface KoaServerUsage {
  /** Processor time of the process since its start, in microseconds. */
  readonly cpuUs: number;
}

/** A Koa application in a process of its own. */
export class KoaProcess {
  readonly port: number;
  readonly #child: ChildProcess;

  static async start(options: KoaServerOptions): Promise<KoaProcess> {
    const child = fork(join(import.meta.dirname, 'koaServer.ts'), [JSON.stringify(options)]);
    const [{ port }] = (await once(child, 'message')) as [{ readonly port: number }];
    return new KoaProcess(port, child);
  }

  private constructor(port: number, child: ChildProcess) {
    this.port = port;
    this.#child = child;
  }

  async cpuUs(): Promise<number> {
    this.#child.send('usage');
    const [usage] = (await once(this.#child, 'message')) as [KoaServerUsage];
    return usage.cpuUs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }
}
