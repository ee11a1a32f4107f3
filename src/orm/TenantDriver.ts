import type { Configuration, DriverException, EntityComparator } from '@mikro-orm/core';
import type { AbstractSqlDriver } from '@mikro-orm/postgresql';
import type { EntityOwner, OwnedDriver } from '../context/OwnerGuard.ts';
import { TenancyError } from '../errors.ts';

/** The class of one of MikroORM's SQL drivers. */
export type DriverClass = new (config: Configuration) => AbstractSqlDriver;

/** What drivers of one template share. */
export interface SharedServices {
  /** A class that stands in for the template's. Set once the template is built, which makes its own. */
  comparator: (new () => EntityComparator) | undefined;
}

/** `Base` with an owner, and with the template's comparator in place of one of its own. */
export function tenantDriver(
  Base: DriverClass,
  shared: SharedServices,
): new (
  config: Configuration,
) => AbstractSqlDriver & OwnedDriver & { owner: EntityOwner | undefined } {
  return class TenantDriver extends Base {
    /** Set when the ORM is opened, before anyone can reach its EntityManager. */
    owner: EntityOwner | undefined = undefined;

    constructor(config: Configuration) {
      super(config);
      if (shared.comparator !== undefined) {
        // MikroORM caches services by class name and asks for the comparator only later.
        config.getCachedService(shared.comparator);
      }
    }

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
