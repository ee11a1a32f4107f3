import type { Clock } from '../../connections/Clock.ts';
import { unlessAborted } from '../../connections/unlessAborted.ts';
import { TenantBehindError } from '../../errors.ts';
import type { TenancyEmitter } from '../../events.ts';
import type { CheckedVersionGate } from './VersionGateOptions.ts';

export interface TenantGateParts {
  readonly tenantId: string;
  readonly options: CheckedVersionGate;
  /** The names of the migrations that the tenant must have, in their order. */
  readonly required: readonly string[];
  readonly events: TenancyEmitter;
  readonly clock: Clock;
  /** The names of the migrations that the tenant has. */
  readonly executed: () => Promise<readonly string[]>;
  /** Applies what is required, once however many processes ask. */
  readonly migrate: () => Promise<void>;
  /** Aborted when the manager closes. */
  readonly closing: AbortSignal;
  /** Runs something in no request's async context. */
  readonly outside: <R>(fn: () => R) => R;
}

/** A tenant that was behind is looked at again after so long: another process may have migrated it. */
const LOOK_AGAIN_MS = 1_000;

interface Refusal {
  readonly why: string;
  readonly cause?: unknown;
  /** Until when it stands without another look. */
  readonly until: number;
}

/** Whether one open tenant has what the application needs. Looked at once for all callers, and again until it has. */
export class TenantGate {
  readonly #parts: TenantGateParts;
  #isPassed = false;
  #isTold = false;
  /** How often something may have been applied or reverted: what was read before does not count after. */
  #changes = 0;
  #attempt: Promise<void> | undefined;
  #refusal: Refusal | undefined;

  constructor(parts: TenantGateParts) {
    this.#parts = parts;
  }

  get isPassed(): boolean {
    return this.#isPassed;
  }

  /** Rejects with `TenantBehindError`, with what reading the tenant's list came to, or with the reason of `closing`. */
  async pass(): Promise<void> {
    const { clock, closing, options } = this.#parts;
    if (this.#refusal !== undefined && clock.now() < this.#refusal.until) {
      throw this.#error(this.#refusal.why, this.#refusal.cause);
    }
    const late = Promise.withResolvers<never>();
    const cancel = clock.schedule(options.waitMs, () =>
      late.reject(this.#error(`it was waited for in vain for ${options.waitMs} ms`)),
    );
    this.#attempt ??= this.#begin();
    try {
      await unlessAborted(Promise.race([this.#attempt, late.promise]), closing);
    } finally {
      cancel();
    }
  }

  #begin(): Promise<void> {
    const attempt = this.#parts
      .outside(() => this.#admit())
      .finally(() => {
        this.#attempt = undefined;
      });
    // Whoever waited for it may be gone by the time it fails.
    attempt.catch(() => {});
    return attempt;
  }

  /** Something may have been applied or reverted: what is known counts no more. */
  forget(): void {
    this.#changes += 1;
    this.#isPassed = false;
    this.#refusal = undefined;
  }

  async #admit(): Promise<void> {
    const { whenBehind } = this.#parts.options;
    let changes = this.#changes;
    let pending = await this.#pending();
    if (pending.length > 0) {
      this.#tell(pending);
      if (whenBehind === 'migrate') {
        await this.#migrate();
        // Looked at once more: it may have been another process that applied them, or reverted them.
        changes = this.#changes;
        pending = await this.#pending();
      }
    }
    if (pending.length > 0 && whenBehind !== 'serve') {
      throw this.#refuse(pending);
    }
    this.#isPassed = changes === this.#changes;
  }

  async #pending(): Promise<readonly string[]> {
    const executed = new Set(await this.#parts.executed());
    return this.#parts.required.filter((name) => !executed.has(name));
  }

  async #migrate(): Promise<void> {
    const { tenantId, events, migrate, closing, clock, options } = this.#parts;
    try {
      await migrate();
    } catch (error) {
      closing.throwIfAborted();
      this.#refusal = { why: 'its migration failed', cause: error, until: clock.now() + options.retryAfterMs };
      events.emit('migration:failed', { tenantId, error });
      throw this.#error(this.#refusal.why, error);
    }
  }

  #refuse(pending: readonly string[]): TenantBehindError {
    const { clock, options } = this.#parts;
    const why = `${pending.length} migrations are pending, the first of them "${pending[0]}"`;
    this.#refusal = { why, until: clock.now() + Math.min(LOOK_AGAIN_MS, options.retryAfterMs) };
    return this.#error(why);
  }

  #tell(pending: readonly string[]): void {
    const { tenantId, events, options } = this.#parts;
    if (!this.#isTold) {
      this.#isTold = true;
      events.emit('tenant:behind', { tenantId, pending, whenBehind: options.whenBehind });
    }
  }

  #error(why: string, cause?: unknown): TenantBehindError {
    const { tenantId, required, options } = this.#parts;
    return new TenantBehindError(tenantId, required.at(-1) ?? '', why, options.retryAfterMs, { cause });
  }
}
