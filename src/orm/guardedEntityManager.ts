import type { EntityManager } from '@mikro-orm/core';
import { assertOwnData, claimGraph, guardUnitOfWork, type OwnedDriver } from '../context/OwnerGuard.ts';
import { type GuardedQueryBuilder, guardQueryBuilder } from './guardedQueryBuilder.ts';

type EntityManagerClass = new (...args: ConstructorParameters<typeof EntityManager>) => EntityManager;

/** Methods that take entities, or data and conditions in which an entity can stand, and throw at once. */
const SYNCHRONOUS = ['assign', 'getReference', 'map', 'merge'] as const;

/** The same, for those that reject. */
const ASYNCHRONOUS = [
  'clone',
  'count',
  'countBy',
  'find',
  'findAll',
  'findAndCount',
  'findByCursor',
  'findOne',
  'findOneOrFail',
  'insert',
  'insertMany',
  'lock',
  'nativeDelete',
  'nativeUpdate',
  'populate',
  'refresh',
  'upsert',
  'upsertMany',
] as const;

type Method = (this: EntityManager, ...args: unknown[]) => unknown;
type Stream = (this: EntityManager, ...args: unknown[]) => AsyncIterable<unknown>;

/** `Base` whose every instance, forks included, refuses entities of another tenant than its driver's. */
export function guardedEntityManager(Base: EntityManagerClass): EntityManagerClass {
  class TenantEntityManager extends Base {
    constructor(...args: ConstructorParameters<EntityManagerClass>) {
      super(...args);
      guardUnitOfWork(this, args[1] as unknown as OwnedDriver);
    }
  }
  for (const name of SYNCHRONOUS) {
    const original = Base.prototype[name] as Method;
    define(TenantEntityManager, name, function (...args) {
      assertOwnData(ownerOf(this), args);
      return Reflect.apply(original, this, args);
    });
  }
  for (const name of ASYNCHRONOUS) {
    const original = Base.prototype[name] as Method;
    define(TenantEntityManager, name, async function (...args) {
      assertOwnData(ownerOf(this), args);
      return Reflect.apply(original, this, args);
    });
  }
  const create = Base.prototype.create as Method;
  define(TenantEntityManager, 'create', function (...args) {
    assertOwnData(ownerOf(this), args);
    const entity = Reflect.apply(create, this, args);
    // With `persist: false` no unit of work hears of it.
    claimGraph(ownerOf(this), entity);
    return entity;
  });
  const stream = Base.prototype.stream as Stream;
  define(TenantEntityManager, 'stream', async function* (...args) {
    assertOwnData(ownerOf(this), args);
    for await (const entity of Reflect.apply(stream, this, args)) {
      // A stream keeps no identity map, and registers nothing.
      claimGraph(ownerOf(this), entity);
      yield entity;
    }
  });
  // `em.qb` and the repositories call it by this name.
  const createQueryBuilder = Reflect.get(Base.prototype, 'createQueryBuilder') as Method;
  define(TenantEntityManager, 'createQueryBuilder', function (...args) {
    const queryBuilder = Reflect.apply(createQueryBuilder, this, args) as GuardedQueryBuilder;
    return guardQueryBuilder(queryBuilder, ownerOf(this));
  });
  return TenantEntityManager;
}

function define(Class: EntityManagerClass, name: string, value: Method): void {
  Object.defineProperty(Class.prototype, name, { value, writable: true, configurable: true });
}

function ownerOf(em: EntityManager): OwnedDriver['owner'] {
  return (em.getDriver() as unknown as OwnedDriver).owner;
}
