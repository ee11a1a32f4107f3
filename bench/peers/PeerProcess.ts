import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { SideOptions } from './sides/Side.ts';

export type PeerKind = 'tenancy' | 'mikroOrm' | 'typeOrm' | 'drizzle' | 'kysely' | 'prisma';

export interface PeerServerOptions extends SideOptions {
  readonly is: PeerKind;
}

export interface PeerMemory {
  readonly heapUsed: number;
  readonly rss: number;
}

/** One application in a process of its own. */
export class PeerProcess implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;

  static async start(options: PeerServerOptions): Promise<PeerProcess> {
    const child = fork(join(import.meta.dirname, 'server.ts'), [JSON.stringify(options)], {
      execArgv: ['--expose-gc'],
    });
    const exited = once(child, 'exit').then(() => Promise.reject(new Error(`${options.is} did not start`)));
    exited.catch(() => {});
    const [{ port }] = (await Promise.race([once(child, 'message'), exited])) as [{ readonly port: number }];
    return new PeerProcess(port, child);
  }

  private constructor(port: number, child: ChildProcess) {
    this.port = port;
    this.#child = child;
  }

  /** Processor time of the process since its start, in microseconds. */
  async cpuUs(): Promise<number> {
    this.#child.send('cpu');
    const [cpuUs] = (await once(this.#child, 'message')) as [number];
    return cpuUs;
  }

  /** After everything unused has been collected, in bytes. */
  async memory(): Promise<PeerMemory> {
    this.#child.send('memory');
    const [memory] = (await once(this.#child, 'message')) as [PeerMemory];
    return memory;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }
}
