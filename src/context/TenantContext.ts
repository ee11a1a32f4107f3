import { AsyncLocalStorage } from 'node:async_hooks';
import type { EntityManager } from '@mikro-orm/core';
import { RequestContext, TransactionContext } from '@mikro-orm/core';
import { NoTenantError } from '../errors.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { CENTRAL, type CentralOwner, offerCentral } from './centralContext.ts';
import { keepOuterTransactions } from './outerTransactions.ts';

/** What one run of a tenant's code has: the tenant, its EntityManager, and whose tenant it is. */
export interface TenantContext<T extends Tenant = Tenant> {
  readonly tenant: T;
  readonly em: EntityManager;
  /** The manager that entered this context; two managers in one process may know the same id. */
  readonly manager: object;
  /** For whom the code runs, who may go away while it waits for a connection. */
  readonly caller?: TenantCaller | undefined;
}

/** Somebody who may go away. `signal` is read only when the caller has to wait, so that a getter may make it then. */
export interface TenantCaller {
  readonly signal?: AbortSignal | undefined;
  /** Whether the EntityManager has that signal as well, and so tells its user of the abort. */
  readonly emHasSignal?: boolean | undefined;
}

/** The name under which handlers find the tenant's fork: `RequestContext.getEntityManager()`. */
const DEFAULT_CONTEXT = 'default';

const storage = new AsyncLocalStorage<TenantContext>();

/** The innermost tenant context of the code that runs now. */
export function currentContext(): TenantContext | undefined {
  return storage.getStore();
}

/** The tenant of this async context, of whichever manager, or `undefined`. */
export function currentTenant(): Tenant | undefined {
  return storage.getStore()?.tenant;
}

/** The tenant of this async context. Throws {@link NoTenantError} when there is none. */
export function requireTenant(): Tenant {
  const tenant = currentTenant();
  if (tenant === undefined) {
    throw new NoTenantError('requireTenant()');
  }
  return tenant;
}

/**
 * Runs `fn` as `context.tenant`: its fork is the current EntityManager under the tenant's own name and under
 * `default`. A nested call replaces the outer context until `fn` is done; no transaction of the outer one reaches in.
 */
export function enterTenantContext<R>(context: TenantContext, fn: () => R): R {
  const { em } = context;
  const enter = (): R => storage.run(context, fn);
  // `create([])` makes an empty context without forking once more; its map is public.
  const request = (): R =>
    RequestContext.create([], () => {
      const central = (context.manager as CentralOwner)[CENTRAL];
      if (central !== undefined) {
        offerCentral(central);
      }
      RequestContext.currentRequestContext()?.map.set(em.name, em).set(DEFAULT_CONTEXT, em);
      return enter();
    });
  // Inside a transaction MikroORM prefers the transaction's fork to the request's. The new fork takes its place, so
  // that a nested run is outside the transaction around it, whether that is of the same tenant or of another. One of
  // the central database goes on: it is the same for every tenant.
  const transaction = TransactionContext.currentTransactionContext();
  return transaction === undefined
    ? request()
    : TransactionContext.create(em, () => {
        keepOuterTransactions(transaction);
        return request();
      });
}
