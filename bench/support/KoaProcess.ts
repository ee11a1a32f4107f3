import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Profiler } from 'node:inspector/promises';
import { join } from 'node:path';

/**
 * Ours, with a `StaticCatalog`; with the catalogue of a central database, of which another process has applied the
 * migrations; the same where this process applies them; and both kinds in one process, each under a domain of its own
 * ({@link DOMAINS}). Then one plain MikroORM; a plain MikroORM for each tenant, found
 * by the Host and with a pool of its own; and the same two without any ORM, which show what the number of databases
 * itself costs.
 */
export type KoaServerKind =
  | 'tenancy'
  | 'tenancy-database'
  | 'tenancy-database-migrating'
  | 'tenancy-of-both'
  | 'single-tenant'
  | 'plain-by-host'
  | 'bare-single'
  | 'bare-by-host';

/** Under which domain the tenants of a catalogue are; where there is one catalogue, it is the first. */
export const DOMAINS = { static: 'example.com', control: 'example.net', database: 'example.org' } as const;

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

export type KoaServerQuestion = 'usage' | 'start profiling' | 'stop profiling';

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
    return (await this.#ask<KoaServerUsage>('usage')).cpuUs;
  }

  /** What the process does during `work`, as V8 samples it. */
  async profile(work: () => Promise<void>): Promise<Profiler.Profile> {
    await this.#ask('start profiling');
    await work();
    return this.#ask<Profiler.Profile>('stop profiling');
  }

  async #ask<A>(question: KoaServerQuestion): Promise<A> {
    this.#child.send(question);
    const [answer] = (await once(this.#child, 'message')) as [A];
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }
}
