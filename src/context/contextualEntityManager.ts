import { inspect } from 'node:util';
import type { EntityManager, EntityName } from '@mikro-orm/core';
import { RequestContext } from '@mikro-orm/core';
import { NoTenantError } from '../errors.ts';
import { currentContext } from './TenantContext.ts';

type RepositoryClass = new (em: EntityManager, entity: EntityName<object>) => object;

/** Methods that need no tenant: what they give is the same in all of them. */
const TENANT_FREE = new Set<PropertyKey>(['getMetadata', 'getPlatform', 'getComparator', 'canPopulate']);

/**
 * One EntityManager that stands for the current tenant's: each property is read from the fork of the tenant that
 * runs now, in its transaction if there is one. `model` lends its type and metadata and is never queried.
 */
export function contextualEntityManager<EM extends EntityManager>(model: EM, manager: object): EM {
  const repositories = new Map<unknown, object>();

  function repositoryOf(entity: EntityName<object>): object {
    const meta = model.getMetadata().get(entity);
    let repository = repositories.get(meta);
    if (repository === undefined) {
      const Repository = model.config.getRepositoryClass(meta.repository as never) as unknown as RepositoryClass;
      // The repository keeps this EntityManager, and so follows the tenant as well.
      repository = new Repository(contextual, entity);
      repositories.set(meta, repository);
    }
    return repository;
  }

  // MikroORM's own reads properties, and so would throw from a `console.log(manager)` outside of every tenant.
  Object.defineProperty(model, inspect.custom, { value: () => '[EntityManager of the current tenant]' });

  const contextual: EM = new Proxy(model, {
    get(target, property) {
      if (property === 'name') {
        // `RequestContext.create(manager.em, …)` registers its fork under this name, where handlers look for it.
        return 'default';
      }
      if (property === 'getRepository' || property === 'repo') {
        return repositoryOf;
      }
      if (typeof property === 'symbol' || property === 'constructor' || !(property in target)) {
        return Reflect.get(target, property, target);
      }
      // On the model itself, as everything that they read in turn would need a tenant here.
      const em = TENANT_FREE.has(property) ? target : currentFork(manager, property);
      const value: unknown = Reflect.get(em, property, em);
      return typeof value === 'function' ? value.bind(em) : value;
    },
    set(_target, property, value) {
      const em = currentFork(manager, String(property));
      return Reflect.set(em, property, value, em);
    },
  });
  return contextual;
}

/** The innermost fork of the tenant that runs now, or its transaction's. */
function currentFork(manager: object, what: string): EntityManager {
  const context = currentContext();
  if (context === undefined || context.manager !== manager) {
    throw new NoTenantError(`manager.em.${what}`);
  }
  // A nested `RequestContext.create(manager.em, …)` put a fork of the same tenant there; another ORM's is not ours.
  const nested = RequestContext.getEntityManager();
  const em = nested !== undefined && nested.getDriver() === context.em.getDriver() ? nested : context.em;
  return em.getContext(false);
}
