import type { EntityManager } from '@mikro-orm/core';
import { assertOwnData, guardUnitOfWork, type OwnedDriver } from '../context/OwnerGuard.ts';

type EntityManagerClass = new (...args: ConstructorParameters<typeof EntityManager>) => EntityManager;

/** Methods that take entities, or data and conditions in which an entity can stand, and throw at once. */
const SYNCHRONOUS = ['assign', 'create', 'getReference', 'map', 'merge'] as const;

/** The same, for those that reject. */
const ASYNCHRONOUS = [
  'count',
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
  return TenantEntityManager;
}

function define(Class: EntityManagerClass, name: string, value: Method): void {
  Object.defineProperty(Class.prototype, name, { value, writable: true, configurable: true });
}

function ownerOf(em: EntityManager): OwnedDriver['owner'] {
  return (em.getDriver() as unknown as OwnedDriver).owner;
}
