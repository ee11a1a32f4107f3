import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/**
 * Ours; a hand-written cache of MikroORMs; a MikroORM with its pool for each tenant; the same through PgBouncer; and one
 * MikroORM over one database, which is the limit.
 */
export type BudgetSideKind = 'tenancy' | 'orm-cache' | 'pool-each' | 'pgbouncer' | 'one-database';

export interface BudgetSideOptions {
  readonly is: BudgetSideKind;
  /** The PostgreSQL server, or a pooler in front of it, without a database. */
  readonly url: string;
  readonly databases: readonly string[];
  readonly maxConnections: number;
  readonly traffic: 'uniform' | 'zipf';
  /** Requests under way at a time. */
  readonly concurrency: number;
}

export interface BudgetTurn {
  readonly perSecond: number;
  /** Of answered requests, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** How often each error came, by its code or name. */
  readonly errors: Readonly<Record<string, number>>;
}

/** Requests of one kind of program, in a process of its own. */
export class BudgetSide {
  readonly #child: ChildProcess;

  static async start(options: BudgetSideOptions): Promise<BudgetSide> {
    const child = fork(join(import.meta.dirname, 'budgetProgram.ts'), [JSON.stringify(options)]);
    await once(child, 'message');
    return new BudgetSide(child);
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  async turn(durationMs: number): Promise<BudgetTurn> {
    this.#child.send(durationMs);
    const [turn] = (await once(this.#child, 'message')) as [BudgetTurn];
    return turn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }
}
