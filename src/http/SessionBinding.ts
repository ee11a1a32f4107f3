import { SessionOfOtherTenantError, TenancyConfigurationError } from '../errors.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import type { TenantScope } from './TenantScope.ts';

/** Gives the session of a request, as in `(ctx) => ctx.session`; `undefined` or `null` where there is none. */
export type SessionOf<C> = (ctx: C) => object | null | undefined;

/** Where a session keeps whose it is. */
const OWNER = 'tenancy';
/** Whose a session is that was made without a tenant. No tenant can have this id. */
const CENTRAL = '(central)';

/**
 * Binds sessions to the tenant that they were made for. A session that a handler fills gets the tenant's id; one that
 * has another's, or has something in it and none, is refused before `authorize` could read it.
 */
export class SessionBinding<C> implements TenantScope<C> {
  readonly #sessionOf: SessionOf<C>;

  constructor(sessionOf: SessionOf<C>) {
    if (typeof sessionOf !== 'function') {
      throw new TenancyConfigurationError('tenancy: `session` takes a function, as in `(ctx) => ctx.session`.');
    }
    this.#sessionOf = sessionOf;
  }

  /** `undefined` where nothing was asked for, so that requests pay for nothing. */
  static of<C>(sessionOf: SessionOf<C> | undefined): SessionBinding<C> | undefined {
    return sessionOf === undefined ? undefined : new SessionBinding(sessionOf);
  }

  /** Runs `work` with the session of the tenant, or rejects because it is another's. */
  async run<R>(ctx: C, tenant: Tenant | undefined, work: () => R | Promise<R>): Promise<R> {
    this.assertOf(tenant, ctx);
    try {
      return await work();
    } finally {
      this.bindTo(tenant, ctx);
    }
  }

  /** Throws {@link SessionOfOtherTenantError} unless the session is empty or this tenant's. */
  assertOf(tenant: Tenant | undefined, ctx: C): void {
    const session = this.#sessionOf(ctx);
    if (isFilled(session) && Reflect.get(session, OWNER) !== ownerOf(tenant)) {
      const owner: unknown = Reflect.get(session, OWNER);
      throw new SessionOfOtherTenantError(tenant?.id, typeof owner === 'string' ? `"${owner}"` : 'no tenant');
    }
  }

  /** Binds what the handler has put into a session. One of another owner stays as it is, and is refused next time. */
  bindTo(tenant: Tenant | undefined, ctx: C): void {
    const session = this.#sessionOf(ctx);
    if (isFilled(session) && Reflect.get(session, OWNER) === undefined) {
      Reflect.set(session, OWNER, ownerOf(tenant));
    }
  }
}

function ownerOf(tenant: Tenant | undefined): string {
  return tenant === undefined ? CENTRAL : tenant.id;
}

/** Whether there is anything in it besides what session middleware itself keeps: koa-session, express-session. */
function isFilled(session: object | null | undefined): session is object {
  return (
    typeof session === 'object' &&
    session !== null &&
    Object.keys(session).some((key) => !key.startsWith('_') && key !== 'isNew' && key !== 'cookie')
  );
}
