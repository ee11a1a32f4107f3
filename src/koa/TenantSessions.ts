import type { Context } from 'koa';
import type { Tenant } from '../tenant/Tenant.ts';
import { SessionBinding, type SessionOf } from './SessionBinding.ts';
import { TenantCookieKeys } from './TenantCookieKeys.ts';

export interface TenantSessionsOptions {
  readonly session?: SessionOf | undefined;
  readonly cookieKeys?: readonly string[] | undefined;
}

/** Keeps what a browser holds for one tenant from being used for another. */
export class TenantSessions {
  readonly #binding: SessionBinding | undefined;
  readonly #keys: TenantCookieKeys | undefined;

  /** `undefined` where nothing was asked for, so that requests pay for nothing. */
  static of({ session, cookieKeys }: TenantSessionsOptions): TenantSessions | undefined {
    return session === undefined && cookieKeys === undefined ? undefined : new TenantSessions(session, cookieKeys);
  }

  private constructor(session: SessionOf | undefined, cookieKeys: readonly string[] | undefined) {
    this.#binding = session === undefined ? undefined : new SessionBinding(session);
    this.#keys = cookieKeys === undefined ? undefined : new TenantCookieKeys(cookieKeys);
  }

  /** Runs `work` with the tenant's keys and session, or rejects because the session is another's. */
  async run<R>(ctx: Context, tenant: Tenant | undefined, work: () => R | Promise<R>): Promise<R> {
    const putBack = this.#keys?.use(tenant, ctx);
    try {
      this.#binding?.assertOf(tenant, ctx);
      return await work();
    } finally {
      this.#binding?.bindTo(tenant, ctx);
      // Session middleware outside of this one signs with its own keys.
      putBack?.();
    }
  }
}
