import { TenantClosedError } from '../errors.ts';
import type { ConnectionAccount } from './ConnectionAccount.ts';
import type { TenantConnection } from './TenantConnection.ts';

/** How one tenant's ORM reaches its database: what Kysely's PostgreSQL dialect takes for a pool. */
export class TenantPool {
  /** Kysely spreads these into a client of its own when it cancels; there is none: it uses a connection of this pool. */
  readonly options = Object.freeze({});
  readonly #account: ConnectionAccount<TenantConnection>;
  readonly #onEnd: () => void;
  readonly #graceMs: () => number;
  #endedBecause: string | undefined;

  /** `onEnd` hears of an end from outside, `graceMs` says how long connections in use may then go on. */
  constructor(account: ConnectionAccount<TenantConnection>, onEnd: () => void, graceMs: () => number) {
    this.#account = account;
    this.#onEnd = onEnd;
    this.#graceMs = graceMs;
  }

  async connect(): Promise<TenantConnection> {
    this.assertOpen();
    const connection = await this.#account.acquire();
    return connection.lease();
  }

  /** Throws `TenantClosedError` once the pool has ended. */
  assertOpen(): void {
    if (this.#endedBecause !== undefined) {
      throw new TenantClosedError(this.#account.tenantId, this.#endedBecause);
    }
  }

  /** Kysely calls this from `orm.close()`. */
  async end(): Promise<void> {
    const first = this.#endedBecause === undefined;
    const ended = this.close('closed by the application', this.#graceMs());
    if (first) {
      this.#onEnd();
    }
    await ended;
  }

  /**
   * Turns waiting callers away, waits up to `graceMs` for connections in use, then cuts them off. Never hangs; may be
   * called again, with less time.
   */
  close(reason: string, graceMs: number): Promise<void> {
    this.#endedBecause ??= reason;
    return this.#account.end(reason, graceMs, (connection) => connection.revoke());
  }

  stats(): ReturnType<ConnectionAccount<TenantConnection>['stats']> {
    return this.#account.stats();
  }
}
