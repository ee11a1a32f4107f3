import { Inject } from '@nestjs/common';
import { TenancyConfigurationError } from '../errors.ts';

/** An entity as MikroORM knows it: its class, or what `defineEntity` or `EntitySchema` made. */
export type RepositoryEntity =
  | (abstract new (
      ...args: never[]
    ) => object)
  | { readonly meta: { readonly className: string } };

/** The token of an entity's repository, for tests that put another in its place. */
export function getRepositoryToken(entity: RepositoryEntity): string {
  return `TenantRepository(${nameOf(entity)})`;
}

/** Injects the repository of an entity, which `TenancyModule.forFeature` provides. It follows the current tenant. */
export function InjectRepository(entity: RepositoryEntity): ParameterDecorator & PropertyDecorator {
  return Inject(getRepositoryToken(entity));
}

function nameOf(entity: RepositoryEntity): string {
  const name = typeof entity === 'function' ? entity.name : entity?.meta?.className;
  if (typeof name !== 'string' || name === '') {
    throw new TenancyConfigurationError('TenancyModule: give the class of an entity, or its schema, for a repository.');
  }
  return name;
}
