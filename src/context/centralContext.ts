import type { EntityManager } from '@mikro-orm/core';
import { RequestContext, TransactionContext } from '@mikro-orm/core';
import { keepOuterTransactions } from './outerTransactions.ts';

/** The name under which code finds the central database's fork: `RequestContext.getEntityManager('central')`. */
export const CENTRAL_CONTEXT = 'central';

/** How a context asks its manager for the central database. */
export const CENTRAL = Symbol('mikro-orm-multitenancy.central');

/** What makes the forks of one central database. */
export interface CentralForks {
  /** The context name of its ORM, which the forks have as well. */
  readonly name: string;
  fork(): EntityManager;
}

/** A manager with a central database, or without. */
export interface CentralOwner {
  readonly [CENTRAL]?: CentralForks | undefined;
}

/**
 * Gives the current request context a fork of the central database, made when somebody asks for it: most runs of a
 * tenant never do.
 */
export function offerCentral({ name, fork }: CentralForks): void {
  const map = RequestContext.currentRequestContext()?.map;
  const { get } = Map.prototype;
  let made: EntityManager | undefined;
  let isBeingMade = false;
  if (map !== undefined) {
    Object.defineProperty(map, 'get', {
      value: (key: string) => {
        const found = get.call(map, key) as EntityManager | undefined;
        // A fork looks for itself in the context while it is made.
        if (found !== undefined || isBeingMade || (key !== CENTRAL_CONTEXT && key !== name)) {
          return found;
        }
        isBeingMade = made === undefined;
        try {
          made ??= fork();
        } finally {
          isBeingMade = false;
        }
        return made;
      },
    });
  }
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
