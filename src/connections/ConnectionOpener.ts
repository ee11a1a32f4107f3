import { TenantConnectionError } from '../errors.ts';
import { Backoff } from './Backoff.ts';
import type { Blocked, CircuitBreaker } from './CircuitBreaker.ts';
import type { Clock } from './Clock.ts';
import { connectFailureOf } from './connectFailure.ts';
import { SingleTimer } from './SingleTimer.ts';

/**
 * Opens one connection. Rejects with what the caller is to see; enforces its own deadline, and gives up when `signal`
 * is aborted because nobody can use the connection any more.
 */
export type OpenConnection<C> = (signal: AbortSignal) => Promise<C>;

/** What came of opening one connection. */
export type Opened<C> = { readonly connection: C } | { readonly error: unknown };

export interface ConnectionOpenerParts<C> {
  readonly tenantId: string;
  readonly open: OpenConnection<C>;
  /** Of the address that connections go to, if it has one. */
  readonly breaker: CircuitBreaker | undefined;
  readonly clock: Clock;
  /** Runs something in no request's async context. */
  readonly outside: <R>(fn: () => R) => R;
}

/** Opens connections for one account, and says when not to try: the server is down, or it refused this tenant. */
export class ConnectionOpener<C> {
  readonly #tenantId: string;
  readonly #open: OpenConnection<C>;
  readonly #breaker: CircuitBreaker | undefined;
  readonly #backoff: Backoff;
  readonly #retry: SingleTimer;
  #underWay = 0;
  #abort: AbortController | undefined;

  constructor({ tenantId, open, breaker, clock, outside }: ConnectionOpenerParts<C>) {
    this.#tenantId = tenantId;
    this.#open = open;
    this.#breaker = breaker;
    this.#backoff = new Backoff(clock);
    this.#retry = new SingleTimer((delayMs, fn) => outside(() => clock.schedule(delayMs, fn)));
  }

  /**
   * What keeps a connection from being opened now. After a failure of the server that includes what this account is
   * opening already: whether that fails as well is soon known, and a burst of callers need not ask once more each.
   */
  get blocked(): Blocked | undefined {
    return (
      this.#breaker?.blocked ?? this.#backoff.pending ?? (this.#underWay > 0 ? this.#breaker?.suspicion : undefined)
    );
  }

  /** Calls `fn` once when the time is over for which no connection may be opened. Does nothing when there is none. */
  whenUnblocked(fn: () => void): void {
    const { blocked } = this;
    if (blocked !== undefined) {
      this.#retry.after(blocked.retryInMs, fn);
    }
  }

  stopWaiting(): void {
    this.#retry.cancel();
  }

  get isServerDown(): boolean {
    return this.#breaker?.blocked !== undefined;
  }

  async open(): Promise<Opened<C>> {
    this.#abort ??= new AbortController();
    this.#breaker?.begin();
    this.#underWay += 1;
    try {
      const connection = await this.#open(this.#abort.signal);
      this.#backoff.succeed();
      this.#breaker?.succeed();
      return { connection };
    } catch (error) {
      this.#failed(error, this.#abort.signal.aborted);
      return { error };
    } finally {
      this.#underWay -= 1;
    }
  }

  /** What ails the server is the breaker's business, which all tenants share; the rest is this tenant's alone. */
  #failed(error: unknown, isAborted: boolean): void {
    const failure = isAborted ? 'unknown' : connectFailureOf(error);
    if (failure === 'server' && this.#breaker !== undefined) {
      this.#breaker.fail(error);
      return;
    }
    this.#backoff.fail(error);
    if (failure === 'unknown') {
      this.#breaker?.abandon();
    } else {
      this.#breaker?.succeed();
    }
  }

  /** Gives up what is being opened. */
  abort(reason: unknown): void {
    this.#abort?.abort(reason);
  }

  /** The error of a caller that is turned away without asking the server again. */
  refusal({ error, retryInMs }: Blocked): unknown {
    if (!(error instanceof TenantConnectionError)) {
      return error;
    }
    const why = `${error.reason}; tried again in ${Math.ceil(retryInMs)} ms`;
    // What the server said to another tenant names that tenant.
    const cause = error.tenantId === this.#tenantId ? error : error.cause;
    return new TenantConnectionError(this.#tenantId, why, { cause, retryInMs });
  }
}
