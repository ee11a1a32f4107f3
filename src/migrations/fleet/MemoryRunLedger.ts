import type { Clock } from '../../connections/Clock.ts';
import type { FleetItem, FleetItemState, FleetMigration, FleetRun } from './FleetRun.ts';
import type {
  Claim,
  ItemFilter,
  NewFleetItem,
  NewFleetRun,
  Outcome,
  Progress,
  Reopening,
  RunLedger,
} from './RunLedger.ts';

interface Entry extends NewFleetItem {
  state: FleetItemState;
  attempts: number;
  forgiven: number;
  dueAt: number;
  executedBefore: readonly string[] | undefined;
  migrations: readonly FleetMigration[];
  to: string | undefined;
  error: FleetItem['error'];
  startedAt: string | undefined;
  finishedAt: string | undefined;
}

/** A run of this process alone, which nobody else can join and nobody can take up after a crash. */
export class MemoryRunLedger implements RunLedger {
  readonly #clock: Clock;
  readonly #entries: readonly Entry[];
  #run: FleetRun;

  constructor({ kind, settings, by, ofRun }: NewFleetRun, items: readonly NewFleetItem[], clock: Clock) {
    this.#clock = clock;
    this.#run = {
      id: undefined,
      kind,
      state: 'running',
      settings,
      by,
      ofRun,
      waves: items.reduce((last, { wave }) => Math.max(last, wave), 1),
      wave: 1,
      stoppedBecause: undefined,
      startedAt: new Date().toISOString(),
      finishedAt: undefined,
    };
    this.#entries = items.map((item) => ({
      ...item,
      state: 'pending',
      attempts: 0,
      forgiven: 0,
      dueAt: 0,
      executedBefore: undefined,
      migrations: [],
      to: undefined,
      error: undefined,
      startedAt: undefined,
      finishedAt: undefined,
    }));
  }

  async progress(): Promise<Progress> {
    const groups = Map.groupBy(this.#entries, ({ wave, state }) => `${wave} ${state}`);
    const states = [...groups.values()].map((entries) => {
      const { wave = 1, state = 'pending' } = entries[0] ?? {};
      return { wave, state, count: entries.length };
    });
    return { run: this.#run, states, failuresBefore: 0, isWaveForgiven: false };
  }

  async items({ states, limit }: ItemFilter = {}): Promise<FleetItem[]> {
    const wanted = this.#entries.filter(({ state }) => states?.includes(state) !== false);
    return wanted.slice(0, limit).map(({ tenantId, server, wave, state, attempts, executedBefore, ...entry }) => {
      const { migrations, to, error, startedAt, finishedAt } = entry;
      const from = executedBefore?.at(-1);
      return {
        tenantId,
        server,
        wave,
        state,
        attempts,
        from,
        to: to ?? from,
        migrations,
        error,
        startedAt,
        finishedAt,
      };
    });
  }

  async claim(_worker: string, servers: readonly string[]): Promise<Claim | undefined> {
    const now = this.#clock.now();
    const entry = this.#entries.find(
      ({ state, dueAt, wave, server }) =>
        state === 'pending' && dueAt <= now && wave <= this.#run.wave && servers.includes(server),
    );
    if (entry === undefined || this.#run.state !== 'running') {
      return undefined;
    }
    entry.state = 'running';
    entry.attempts += 1;
    entry.startedAt ??= new Date().toISOString();
    const { tenantId, server, wave, attempts: attempt, forgiven, takesBack } = entry;
    return { tenantId, server, wave, attempt, forgiven, takesBack };
  }

  async begin(claim: Claim, _worker: string, executed: readonly string[]): Promise<readonly string[] | undefined> {
    const entry = this.#entry(claim);
    if (entry !== undefined) {
      entry.executedBefore ??= executed;
    }
    return entry?.executedBefore;
  }

  async settle(claim: Claim, _worker: string, outcome: Outcome): Promise<boolean> {
    const entry = this.#entry(claim);
    if (entry === undefined) {
      return false;
    }
    const { state, againInMs, migrations, to, error, isForgiven } = outcome;
    Object.assign(entry, { state, migrations, error, dueAt: this.#clock.now() + againInMs, to: to ?? entry.to });
    entry.forgiven += isForgiven ? 1 : 0;
    entry.finishedAt = state === 'pending' ? undefined : new Date().toISOString();
    return true;
  }

  async renew(): Promise<void> {}

  async advance(wave: number): Promise<void> {
    if (this.#run.wave === wave) {
      this.#run = { ...this.#run, wave: wave + 1 };
    }
  }

  async stop(because: string): Promise<void> {
    this.#end('stopped', because);
  }

  async finish(): Promise<void> {
    this.#end('finished', undefined);
  }

  /** Nobody has the run any more once the call that made it has returned. */
  async reopen(_how: Reopening): Promise<void> {}

  #end(state: 'stopped' | 'finished', stoppedBecause: string | undefined): void {
    if (this.#run.state === 'running') {
      this.#run = { ...this.#run, state, stoppedBecause, finishedAt: new Date().toISOString() };
    }
  }

  #entry({ tenantId, attempt }: Claim): Entry | undefined {
    return this.#entries.find(
      (entry) => entry.tenantId === tenantId && entry.attempts === attempt && entry.state === 'running',
    );
  }
}
