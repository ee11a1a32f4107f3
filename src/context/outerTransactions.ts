import type { EntityManager } from '@mikro-orm/core';
import { TransactionContext } from '@mikro-orm/core';

const OUTER = Symbol('mikro-orm-multitenancy.outer-transaction');

type Linked = TransactionContext & { [OUTER]?: TransactionContext };

/**
 * Notes that the transaction which runs now was begun inside `outer`. MikroORM's context holds one transaction, so that
 * inside a tenant's the central database's would be forgotten, and its statements would run outside of it.
 */
export function keepOuterTransactions(outer: TransactionContext): void {
  const current = TransactionContext.currentTransactionContext() as Linked | undefined;
  // One that goes on in the same transaction, by its propagation, is not inside of itself.
  if (current !== undefined && current !== outer) {
    current[OUTER] = outer;
  }
}

/** The EntityManager of the transaction around the innermost one that belongs to the same ORM as `em`. */
export function outerTransactionOf(em: EntityManager): EntityManager | undefined {
  let context = TransactionContext.currentTransactionContext() as Linked | undefined;
  if (context?.[OUTER] === undefined || context.em.name === em.name) {
    return undefined;
  }
  do {
    context = context[OUTER];
  } while (context !== undefined && context.em.name !== em.name);
  return context?.em;
}
