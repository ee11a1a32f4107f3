import type { EntityManager } from '@mikro-orm/core';
import { RequestContext, TransactionContext } from '@mikro-orm/core';
import { keepOuterTransactions } from './outerTransactions.ts';

/** The name under which code finds the central database's fork: `RequestContext.getEntityManager('central')`. */
export const CENTRAL_CONTEXT = 'central';

/** How a context asks its manager for a fork of the central database. */
export const FORK_CENTRAL = Symbol('mikro-orm-multitenancy.fork-central');

/** A manager with a central database. Gives `undefined` where none is configured. */
export interface CentralForks {
  [FORK_CENTRAL](): EntityManager | undefined;
}

/**
 * Runs `fn` with `em` as the fork of the central database, beside the tenant around it, if there is one. No transaction
 * that the central database has outside reaches in; a tenant's does.
 */
export function enterCentralContext<R>(em: EntityManager, fn: () => R): R {
  const outer = RequestContext.currentRequestContext()?.map ?? [];
  const request = (): R =>
    RequestContext.create([], () => {
      const map = RequestContext.currentRequestContext()?.map;
      for (const [name, other] of outer) {
        map?.set(name, other);
      }
      map?.set(em.name, em).set(CENTRAL_CONTEXT, em);
      return fn();
    });
  const transaction = TransactionContext.currentTransactionContext();
  return transaction === undefined
    ? request()
    : TransactionContext.create(em, () => {
        keepOuterTransactions(transaction);
        return request();
      });
}
