import { type EntityManager, TransactionContext } from '@mikro-orm/core';
import {
  assertKnownEntity,
  assertOwnData,
  claimGraph,
  guardUnitOfWork,
  type OwnedDriver,
} from '../context/OwnerGuard.ts';
import { keepOuterTransactions, outerTransactionOf } from '../context/outerTransactions.ts';
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

/** Whether a fork was made without `useContext`: it never stands for another one. */
const STAYS_ITSELF = Symbol('mikro-orm-multitenancy.stays-itself');

type Guarded = EntityManager & { readonly [STAYS_ITSELF]: boolean };
type Method = (this: EntityManager, ...args: unknown[]) => unknown;
type Stream = (this: EntityManager, ...args: unknown[]) => AsyncIterable<unknown>;

const classes = new WeakMap<EntityManagerClass, EntityManagerClass>();

/**
 * `Base` whose every instance, forks included, refuses entities of another tenant than its driver's. One class however
 * often it is asked for: the engine compiles MikroORM for each that it meets.
 */
export function guardedEntityManager(Base: EntityManagerClass): EntityManagerClass {
  const Class = classes.get(Base) ?? guardedOver(Base);
  classes.set(Base, Class);
  return Class;
}

function guardedOver(Base: EntityManagerClass): EntityManagerClass {
  class TenantEntityManager extends Base {
    readonly [STAYS_ITSELF]: boolean;

    constructor(...args: ConstructorParameters<EntityManagerClass>) {
      super(...args);
      this[STAYS_ITSELF] = args[3] === false;
      guardUnitOfWork(this, args[1] as unknown as OwnedDriver);
    }
  }
  for (const name of SYNCHRONOUS) {
    const original = Base.prototype[name] as Method;
    define(TenantEntityManager, name, function (...args) {
      assertOwn(this, args);
      return Reflect.apply(original, this, args);
    });
  }
  for (const name of ASYNCHRONOUS) {
    const original = Base.prototype[name] as Method;
    // No async function: it would put a promise of its own around each query's.
    define(TenantEntityManager, name, function (...args) {
      try {
        assertOwn(this, args);
      } catch (error) {
        return Promise.reject(error as Error);
      }
      return Reflect.apply(original, this, args);
    });
  }
  const getContext = Base.prototype.getContext as Method;
  define(TenantEntityManager, 'getContext', function (...args) {
    // MikroORM knows the innermost transaction only, be it another database's.
    const outer = (this as Guarded)[STAYS_ITSELF] ? undefined : outerTransactionOf(this);
    return outer ?? Reflect.apply(getContext, this, args);
  });
  const transactional = Base.prototype.transactional as Method;
  define(TenantEntityManager, 'transactional', async function (work, ...options) {
    const outer = TransactionContext.currentTransactionContext();
    if (outer === undefined) {
      return Reflect.apply(transactional, this, [work, ...options]);
    }
    const nested: Method = function (...args) {
      keepOuterTransactions(outer);
      return Reflect.apply(work as Method, this, args);
    };
    return Reflect.apply(transactional, this, [nested, ...options]);
  });
  const create = Base.prototype.create as Method;
  define(TenantEntityManager, 'create', function (...args) {
    assertOwn(this, args);
    const entity = Reflect.apply(create, this, args);
    // With `persist: false` no unit of work hears of it.
    claimGraph(ownerOf(this), entity);
    return entity;
  });
  const stream = Base.prototype.stream as Stream;
  define(TenantEntityManager, 'stream', async function* (...args) {
    assertOwn(this, args);
    for await (const entity of Reflect.apply(stream, this, args)) {
      // A stream keeps no identity map, and registers nothing.
      claimGraph(ownerOf(this), entity);
      yield entity;
    }
  });
  // `em.qb` and the repositories call it by this name.
  const createQueryBuilder = Reflect.get(Base.prototype, 'createQueryBuilder') as Method;
  define(TenantEntityManager, 'createQueryBuilder', function (...args) {
    assertOwn(this, args);
    const queryBuilder = Reflect.apply(createQueryBuilder, this, args) as GuardedQueryBuilder;
    return guardQueryBuilder(queryBuilder, ownerOf(this));
  });
  return TenantEntityManager;
}

function define(Class: EntityManagerClass, name: string, value: Method): void {
  Object.defineProperty(Class.prototype, name, { value, writable: true, configurable: true });
}

/** The entity that a method is about comes first; data and conditions can be anywhere. */
function assertOwn(em: EntityManager, args: readonly unknown[]): void {
  const driver = em.getDriver() as unknown as OwnedDriver;
  assertKnownEntity(driver, args[0]);
  assertOwnData(driver.owner, args);
}

function ownerOf(em: EntityManager): OwnedDriver['owner'] {
  return (em.getDriver() as unknown as OwnedDriver).owner;
}
