import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { ManagerClosedError } from '../../errors.ts';
import type { TenancyEmitter } from '../../events.ts';
import type { CheckedWork } from './FleetOptions.ts';
import { countsOf, type FleetCounts, type FleetItem, type FleetItemState, type FleetRun } from './FleetRun.ts';
import { mayPass } from './mayPass.ts';
import type { Claim, Outcome, Progress, RunLedger } from './RunLedger.ts';
import { ClaimLostError, type StepResult } from './TenantStep.ts';

export interface FleetWorkerParts {
  readonly ledger: RunLedger;
  readonly run: FleetRun;
  readonly options: CheckedWork;
  /** How many tenants at once on each server that this process knows. */
  readonly perServer: ReadonlyMap<string, number>;
  readonly step: (
    claim: Claim,
    begin: (executed: readonly string[]) => Promise<readonly string[]>,
  ) => Promise<StepResult>;
  readonly events: TenancyEmitter;
  /** Throws once the manager is closed. */
  readonly assertOpen: () => void;
}

/** How often the ledger is asked for what other workers did, and for tenants that are due again. */
const POLL_MS = 200;
/** How old the counts of a progress may be. */
const COUNTS_AGE_MS = 1_000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;

interface Running {
  readonly server: string;
  readonly settled: Promise<void>;
}

/** Takes tenants of one run, as many at once as it may, until nothing is left for it to do. */
export class FleetWorker {
  readonly #parts: FleetWorkerParts;
  /** Unlike any other worker's, on any machine. */
  readonly #name = `${hostname()}:${process.pid}:${randomBytes(4).toString('hex')}`;
  readonly #running = new Map<string, Running>();
  #failure: { readonly error: unknown } | undefined;
  #counts: { readonly at: number; readonly counts: FleetCounts } | undefined;

  constructor(parts: FleetWorkerParts) {
    this.#parts = parts;
  }

  /** Resolves when the run has ended, has stopped, waits for somebody else's consent, or the signal came. */
  async work(): Promise<void> {
    const { ledger, options, events } = this.#parts;
    const renew = (): void => {
      ledger
        .renew(this.#name, options.leaseMs)
        .catch((error: unknown) => events.emit('fleet:heartbeat-failed', { error }));
    };
    const heartbeat = setInterval(renew, Math.floor(options.leaseMs / 3));
    try {
      while (!this.#isOver && (await this.#goOn())) {
        // Everything is in `#goOn`.
      }
    } finally {
      await Promise.all([...this.#running.values()].map(({ settled }) => settled));
      clearInterval(heartbeat);
    }
    if (this.#failure !== undefined) {
      throw this.#failure.error;
    }
  }

  get #isOver(): boolean {
    return this.#parts.options.signal?.aborted === true || this.#failure !== undefined;
  }

  /** One step of the loop. Returns whether there may be another. */
  async #goOn(): Promise<boolean> {
    const servers = this.#freeServers();
    if (servers.length > 0) {
      this.#parts.assertOpen();
      const claim = await this.#parts.ledger.claim(this.#name, servers, this.#parts.options.leaseMs);
      if (claim !== undefined) {
        this.#start(claim);
        return true;
      }
    }
    if (this.#running.size > 0) {
      await this.#pause(POLL_MS, true);
      return true;
    }
    return this.#atRest();
  }

  #freeServers(): string[] {
    const { perServer, options } = this.#parts;
    if (this.#running.size >= (options.concurrency ?? Number.POSITIVE_INFINITY)) {
      return [];
    }
    const busy = Map.groupBy(this.#running.values(), ({ server }) => server);
    return [...perServer].filter(([name, limit]) => (busy.get(name)?.length ?? 0) < limit).map(([name]) => name);
  }

  #start(claim: Claim): void {
    const settled = this.#attempt(claim)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(claim.tenantId));
    this.#running.set(claim.tenantId, { server: claim.server, settled });
  }

  async #attempt(claim: Claim): Promise<void> {
    const { ledger, step, assertOpen } = this.#parts;
    const begin = async (executed: readonly string[]): Promise<readonly string[]> => {
      const before = await ledger.begin(claim, this.#name, executed);
      if (before === undefined) {
        throw new ClaimLostError();
      }
      return before;
    };
    let result: StepResult;
    try {
      result = await step(claim, begin);
    } catch (error) {
      if (error instanceof ClaimLostError) {
        return;
      }
      throw error;
    }
    if (result.failure?.error instanceof ManagerClosedError) {
      // The tenant is left as it was; its lease ends, and whoever takes up the run looks at it again.
      assertOpen();
    }
    const outcome = this.#outcome(claim, result);
    if (await ledger.settle(claim, this.#name, outcome)) {
      await this.#settled(claim, outcome);
    }
  }

  #outcome(claim: Claim, { failure, migrations, to }: StepResult): Outcome {
    const { settings } = this.#parts.run;
    const done = { migrations, to, error: failure?.report, isForgiven: false };
    if (failure === undefined) {
      return { ...done, state: migrations.length > 0 ? 'done' : 'unchanged', againInMs: 0 };
    }
    const tries = claim.attempt - claim.forgiven;
    // What may be half done is not done again by itself.
    const isOver = failure.report.mayBeHalfDone || !mayPass(failure.error) || tries >= settings.attempts;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1)) * (0.5 + Math.random());
    return isOver ? { ...done, state: 'failed', againInMs: 0 } : { ...done, state: 'pending', againInMs: pauseMs };
  }

  async #settled(claim: Claim, { state, migrations, to, error }: Outcome): Promise<void> {
    const { ledger, events, options, run } = this.#parts;
    const { tenantId, attempt } = claim;
    const about = { runId: run.id, tenantId, attempt, migrations: migrations.map(({ name }) => name) };
    if (state === 'pending') {
      events.emit('fleet:tenant-delayed', { ...about, error });
      return;
    }
    events.emit('fleet:tenant-settled', { ...about, state, error });
    if (options.onProgress !== undefined) {
      const item: FleetItem = {
        ...{ tenantId, server: claim.server, wave: claim.wave, state, attempts: attempt, from: undefined, to },
        ...{ migrations, error, startedAt: undefined, finishedAt: new Date().toISOString() },
      };
      options.onProgress(item, await this.#countsAfter(state));
    }
    const { stopAfterFailures } = run.settings;
    if (state === 'failed' && stopAfterFailures !== undefined) {
      const progress = await ledger.progress();
      const failed = countsIn(progress).failed - progress.failuresBefore;
      if (failed >= stopAfterFailures) {
        await ledger.stop(`${failed} of the tenants failed`);
      }
    }
  }

  /** The ledger is asked once a second; in between one tenant more is through. */
  async #countsAfter(state: FleetItemState): Promise<FleetCounts> {
    const known = this.#counts;
    if (known === undefined || performance.now() - known.at > COUNTS_AGE_MS) {
      const counts = countsIn(await this.#parts.ledger.progress());
      this.#counts = { at: performance.now(), counts };
      return counts;
    }
    const { running, [state]: count } = known.counts;
    const counts = { ...known.counts, running: Math.max(0, running - 1), [state]: count + 1 };
    this.#counts = { at: known.at, counts };
    return counts;
  }

  /** With nothing under way here and nothing to take: waits for others, begins the next wave, or ends the run. */
  async #atRest(): Promise<boolean> {
    const { ledger } = this.#parts;
    const progress = await ledger.progress();
    const { run, states } = progress;
    if (run.state !== 'running') {
      return false;
    }
    if (states.some(({ wave, state }) => wave <= run.wave && (state === 'pending' || state === 'running'))) {
      await this.#pause(POLL_MS, false);
      return true;
    }
    if (run.wave >= run.waves) {
      await ledger.finish();
      return false;
    }
    return this.#nextWave(progress);
  }

  async #nextWave(progress: Progress): Promise<boolean> {
    const { ledger, options, events } = this.#parts;
    const { run, states, isWaveForgiven } = progress;
    const { wave, waves, settings, id: runId } = run;
    const counts = countsIn(progress, wave);
    if (options.between !== undefined) {
      const next = states.reduce((sum, one) => sum + (one.wave === wave + 1 ? one.count : 0), 0);
      if (!(await options.between({ runId, wave, waves, counts, next }))) {
        await ledger.stop(`wave ${wave + 1} of ${waves} was not agreed to`);
        return false;
      }
    } else if (settings.confirms) {
      return false;
    } else if (counts.failed > 0 && !isWaveForgiven) {
      await ledger.stop(`${counts.failed} of the tenants of wave ${wave} failed`);
      return false;
    }
    await this.#pause(settings.pauseMs, false);
    if (!this.#isOver) {
      await ledger.advance(wave);
      events.emit('fleet:wave-ended', { runId, wave, waves, counts });
    }
    return true;
  }

  /** Waits, but no longer than to the abort, and to the end of what is under way where that is asked for. */
  async #pause(ms: number, orSettled: boolean): Promise<void> {
    const end = new AbortController();
    const { signal } = this.#parts.options;
    const abort = (): void => end.abort();
    signal?.addEventListener('abort', abort, { once: true });
    const time = delay(ms, undefined, { signal: end.signal }).catch(() => {});
    const others = orSettled ? [...this.#running.values()].map(({ settled }) => settled) : [];
    await Promise.race([time, ...others]);
    abort();
    signal?.removeEventListener('abort', abort);
  }
}

export function countsIn({ states }: Progress, wave?: number): FleetCounts {
  const counts = { ...countsOf([]) };
  for (const one of states) {
    if (wave === undefined || one.wave === wave) {
      counts[one.state] += one.count;
      counts.tenants += one.count;
    }
  }
  return counts;
}
