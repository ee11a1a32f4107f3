import type { Context } from 'koa';
import { SessionBinding, type SessionOf } from '../http/SessionBinding.ts';
import type { TenantScope } from '../http/TenantScope.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { TenantCookieKeys } from './TenantCookieKeys.ts';

export interface TenantSessionsOptions {
  readonly session?: SessionOf<Context> | undefined;
  readonly cookieKeys?: readonly string[] | undefined;
}

/** Keeps what a browser holds for one tenant from being used for another. */
export class TenantSessions implements TenantScope<Context> {
  readonly #binding: SessionBinding<Context> | undefined;
  readonly #keys: TenantCookieKeys | undefined;

  /** `undefined` where nothing was asked for, so that requests pay for nothing. */
  static of({ session, cookieKeys }: TenantSessionsOptions): TenantSessions | undefined {
    return session === undefined && cookieKeys === undefined ? undefined : new TenantSessions(session, cookieKeys);
  }

  private constructor(session: SessionOf<Context> | undefined, cookieKeys: readonly string[] | undefined) {
    this.#binding = SessionBinding.of(session);
    this.#keys = cookieKeys === undefined ? undefined : new TenantCookieKeys(cookieKeys);
  }

  /** Runs `work` with the tenant's keys and session, or rejects because the session is another's. */
  async run<R>(ctx: Context, tenant: Tenant | undefined, work: () => R | Promise<R>): Promise<R> {
    const putBack = this.#keys?.use(tenant, ctx);
    try {
      return await (this.#binding === undefined ? work() : this.#binding.run(ctx, tenant, work));
    } finally {
      // Session middleware outside of this one signs with its own keys.
      putBack?.();
    }
  }
}
