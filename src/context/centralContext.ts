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
 * What a request context finds its EntityManagers in, with a fork of the central database that is made when somebody asks
 * for it: most runs of a tenant never do. A class, for MikroORM looks into it hundreds of times in a request, and an engine
 * that finds another `get` in each map compiles none of them.
 */
class MapWithCentral extends Map<string, EntityManager> {
  readonly #central: CentralForks;
  #isBeingMade = false;

  constructor(central: CentralForks) {
    super();
    this.#central = central;
  }

  override get(key: string): EntityManager | undefined {
    const found = super.get(key);
    return found === undefined && (key === CENTRAL_CONTEXT || key === this.#central.name) ? this.#fork() : found;
  }

  /** A fork looks for itself in the context while it is made. */
  #fork(): EntityManager | undefined {
    if (this.#isBeingMade) {
      return undefined;
    }
    this.#isBeingMade = true;
    try {
      const made = this.#central.fork();
      this.set(this.#central.name, made).set(CENTRAL_CONTEXT, made);
      return made;
    } finally {
      this.#isBeingMade = false;
    }
  }
}

/** Gives the current request context, which is empty, a fork of the central database when somebody asks for it. */
export function offerCentral(central: CentralForks): void {
  const context = RequestContext.currentRequestContext();
  if (context !== undefined) {
    (context as { map: Map<string, EntityManager> }).map = new MapWithCentral(central);
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
