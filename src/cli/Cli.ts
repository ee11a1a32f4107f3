import { createInterface } from 'node:readline/promises';
import type { CentralDatabase } from '../central/CentralDatabase.ts';
import { TenantOrmManager } from '../TenantOrmManager.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { type CliIo, UsageError } from './CliIo.ts';
import { findConfig } from './findConfig.ts';
import { Output } from './Output.ts';
import { Progress } from './Progress.ts';
import type { AnyManagerOptions } from './TenancyConfig.ts';
import { type MigrationRoom, ROOM_FOR_ONE, withReserve } from './withReserve.ts';

/** Options that every command has. */
export interface GlobalOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly yes?: boolean;
}

/** A command is over soon; spares are left to the processes that stay. */
function withoutRefill(options: AnyManagerOptions): AnyManagerOptions {
  const { spares, ...provisioning } = (options.provisioning ?? {}) as { readonly spares?: object };
  return spares === undefined
    ? options
    : { ...options, provisioning: { ...provisioning, spares: { ...spares, refill: false } } };
}

/** What a command works with: the manager of the application, a place to print, somebody to ask. */
export class Cli {
  readonly io: CliIo;
  readonly output: Output;
  readonly #options: GlobalOptions;

  constructor(io: CliIo, options: GlobalOptions) {
    this.io = io;
    this.output = new Output(io, options.json === true);
    this.#options = options;
  }

  /** Opens the manager of the configuration, with room for so many migrations at once, and closes it after `work`. */
  async withManager<R>(
    work: (manager: TenantOrmManager<Tenant>) => Promise<R>,
    room: MigrationRoom = ROOM_FOR_ONE,
  ): Promise<R> {
    const { config } = await this.config();
    const given = typeof config === 'function' ? await config() : config;
    const manager =
      given instanceof TenantOrmManager
        ? (given as TenantOrmManager<Tenant>)
        : ((await TenantOrmManager.init(
            withoutRefill(withReserve(given, room)) as never,
          )) as unknown as TenantOrmManager<Tenant>);
    try {
      return await work(manager);
    } finally {
      await manager.close();
    }
  }

  /** The same with the central database. */
  async withCentral<R>(
    work: (central: CentralDatabase<Tenant>, manager: TenantOrmManager<Tenant>) => Promise<R>,
  ): Promise<R> {
    return this.withManager((manager) => work(manager.central, manager));
  }

  config() {
    return findConfig(this.io.cwd, this.#options.config, this.io.env);
  }

  /** The options of the configuration. Throws `UsageError` where it gives a manager. */
  async managerOptions(): Promise<AnyManagerOptions> {
    const { config, path } = await this.config();
    const given = typeof config === 'function' ? await config() : config;
    if (given instanceof TenantOrmManager) {
      await given.close();
      throw new UsageError(`${path} must give options for this, and gives a manager.`);
    }
    return given;
  }

  progress(total: number): Progress {
    return new Progress({ out: this.io.stderr, now: () => performance.now(), total });
  }

  get isInteractive(): boolean {
    return this.io.stdin.isTTY === true && this.io.stderr.isTTY === true;
  }

  /** Asks before something that cannot be taken back. Without a terminal only `--yes` is an answer. */
  async confirm(question: string): Promise<boolean> {
    if (this.#options.yes === true) {
      return true;
    }
    if (!this.isInteractive) {
      throw new UsageError(`${question} There is no terminal to ask on: add --yes.`);
    }
    return /^y(es)?$/i.test(await this.#ask(`${question} [y/N] `));
  }

  /** The same for what is worse: the name is to be typed. */
  async confirmName(what: string, name: string): Promise<boolean> {
    if (this.#options.yes === true || !this.isInteractive) {
      return this.confirm(what);
    }
    return (await this.#ask(`${what} Type its id to go on: `)) === name;
  }

  async #ask(question: string): Promise<string> {
    const terminal = createInterface({ input: this.io.stdin, output: this.io.stderr });
    try {
      return (await terminal.question(question, { signal: this.io.signal })).trim();
    } finally {
      terminal.close();
    }
  }
}
