import { HttpLoad } from './HttpLoad.ts';
import { DOMAINS, KoaProcess, type KoaServerKind, type KoaServerOptions } from './KoaProcess.ts';
import { median } from './measure.ts';

export interface KoaLoad {
  /** Requests under way at a time. */
  readonly concurrency: number;
  readonly warmUpMs: number;
  readonly roundMs: number;
}

export interface Turn {
  readonly perSecond: number;
  /** Processor time of the server for one request, in microseconds. */
  readonly cpuUs: number;
}

/** One application under load, in turns. */
export class KoaSide implements AsyncDisposable {
  readonly is: KoaServerKind;
  readonly #process: KoaProcess;
  readonly #load: HttpLoad;
  readonly #roundMs: number;
  readonly #owned: AsyncDisposable | undefined;

  /** Starts the application and visits every tenant, so that all are open and the code is compiled. */
  static async start(options: KoaServerOptions, load: KoaLoad): Promise<KoaSide> {
    const koa = await KoaProcess.start(options);
    return KoaSide.of(koa, options, load, DOMAINS.static, koa);
  }

  /** The same of an application that runs, and of its tenants under `domain`. `owned` is disposed of with it. */
  static async of(
    koa: KoaProcess,
    { is, databases }: KoaServerOptions,
    { concurrency, warmUpMs, roundMs }: KoaLoad,
    domain: string,
    owned?: AsyncDisposable,
  ): Promise<KoaSide> {
    const hosts = databases.map((_, index) => `t${index}.${domain}`);
    const side = new KoaSide(is, koa, await HttpLoad.open(koa.port, concurrency, hosts), roundMs, owned);
    await side.#load.visitAll();
    await side.#load.run(warmUpMs);
    return side;
  }

  private constructor(
    is: KoaServerKind,
    process: KoaProcess,
    load: HttpLoad,
    roundMs: number,
    owned: AsyncDisposable | undefined,
  ) {
    this.is = is;
    this.#process = process;
    this.#load = load;
    this.#roundMs = roundMs;
    this.#owned = owned;
  }

  async turn(): Promise<Turn> {
    const before = await this.#process.cpuUs();
    const { perSecond, answered } = await this.#load.run(this.#roundMs);
    return { perSecond, cpuUs: ((await this.#process.cpuUs()) - before) / answered };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#load[Symbol.dispose]();
    await this.#owned?.[Symbol.asyncDispose]();
  }
}

/** The medians of both, and the median of the ratios of single rounds. */
export function compared(ours: readonly Turn[], peer: readonly Turn[], of: (turn: Turn) => number) {
  return {
    ours: median(ours.map(of)),
    peer: median(peer.map(of)),
    ratio: median(ours.map((turn, round) => of(turn) / of(peer[round] as Turn))),
  };
}

/** The means of what is the median of each process, and their ratio. */
export function comparedByProcess(
  ours: readonly (readonly Turn[])[],
  peer: readonly (readonly Turn[])[],
  of: (turn: Turn) => number,
) {
  const [one, other] = [ours, peer].map((side) => mean(side.map((turns) => median(turns.map(of))))) as [number, number];
  return { ours: one, peer: other, ratio: one / other };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
