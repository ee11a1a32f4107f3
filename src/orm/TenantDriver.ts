import type { Configuration, DriverException } from '@mikro-orm/core';
import type { AbstractSqlDriver } from '@mikro-orm/postgresql';
import type { EntityOwner, OwnedDriver } from '../context/OwnerGuard.ts';
import { TenancyError } from '../errors.ts';

/** The class of one of MikroORM's SQL drivers. */
export type DriverClass = new (config: Configuration) => AbstractSqlDriver;

type TenantDriverClass = new (
  config: Configuration,
) => AbstractSqlDriver & OwnedDriver & { owner: EntityOwner | undefined };

const classes = new WeakMap<DriverClass, TenantDriverClass>();

/** `Base` with an owner. One class however often it is asked for: the engine compiles MikroORM for each that it meets. */
export function tenantDriver(Base: DriverClass): TenantDriverClass {
  const Class = classes.get(Base) ?? driverOver(Base);
  classes.set(Base, Class);
  return Class;
}

function driverOver(Base: DriverClass): TenantDriverClass {
  return class TenantDriver extends Base {
    /** Set when the ORM is opened, before anyone can reach its EntityManager. */
    owner: EntityOwner | undefined = undefined;

    /** Our own errors reach the caller as they are, not as an exception of the database. */
    override convertException(exception: Error): DriverException {
      return exception instanceof TenancyError
        ? (exception as unknown as DriverException)
        : super.convertException(exception);
    }
  };
}

/** A class of this name whose every instance is `instance`. */
export function standIn<T extends object>(name: string, instance: T): new (...args: unknown[]) => T {
  const Class = class {
    constructor() {
      // biome-ignore lint/correctness/noConstructorReturn: standing in for one instance is what it is for
      return instance;
    }
  };
  Object.defineProperty(Class, 'name', { value: name });
  return Class as unknown as new (
    ...args: unknown[]
  ) => T;
}
