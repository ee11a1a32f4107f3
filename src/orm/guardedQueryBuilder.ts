import { QueryBuilder } from '@mikro-orm/postgresql';
import { assertOwnData, type EntityOwner } from '../context/OwnerGuard.ts';

/** Methods that take data or conditions in which an entity can stand. Others, as `leftJoin`, go through them. */
const METHODS = [
  'andHaving',
  'andWhere',
  'delete',
  'having',
  'innerJoin',
  'innerJoinAndSelect',
  'innerJoinLateral',
  'innerJoinLateralAndSelect',
  'insert',
  'join',
  'joinAndSelect',
  'leftJoin',
  'leftJoinAndSelect',
  'leftJoinLateral',
  'leftJoinLateralAndSelect',
  'merge',
  'orHaving',
  'orWhere',
  'update',
  'where',
] as const;

const OWNER = Symbol('mikro-orm-multitenancy.owner');

type Method = (this: GuardedQueryBuilder, ...args: unknown[]) => unknown;

export type GuardedQueryBuilder = QueryBuilder & { [OWNER]?: EntityOwner | undefined };

const guards: Readonly<Record<string, Method>> = Object.freeze({
  ...Object.fromEntries(METHODS.map((name) => [name, guardOf(QueryBuilder.prototype[name] as Method)])),
  /** MikroORM makes the copy of its own class. */
  clone(this: GuardedQueryBuilder, ...args: unknown[]) {
    const clone = Reflect.apply(QueryBuilder.prototype.clone, this, args) as GuardedQueryBuilder;
    return guardQueryBuilder(clone, this[OWNER]);
  },
});

/** Makes a QueryBuilder, and every copy of it, refuse entities of any owner but this one. */
export function guardQueryBuilder(queryBuilder: GuardedQueryBuilder, owner: EntityOwner | undefined): QueryBuilder {
  return Object.assign(queryBuilder, guards, { [OWNER]: owner });
}

function guardOf(original: Method): Method {
  return function (...args) {
    assertOwnData(this[OWNER], args);
    return Reflect.apply(original, this, args);
  };
}
