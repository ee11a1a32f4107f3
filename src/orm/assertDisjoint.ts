import type { EntityMetadata } from '@mikro-orm/core';
import type { MikroORM } from '@mikro-orm/postgresql';
import { TenancyConfigurationError } from '../errors.ts';

/**
 * Throws {@link TenancyConfigurationError} when an entity belongs to the tenants and to the central database. MikroORM
 * keeps what it knows of an entity on the prototype of its class, where the ORM that came last replaces the others': of
 * such a class, one side would work with the other's metadata. Abstract bases and embeddables have none of that.
 */
export function assertDisjoint(tenants: MikroORM, central: MikroORM): void {
  const known = tenants.getMetadata().getAll();
  const shared = [...central.getMetadata()].find((meta) => isEntity(meta) && known.has(meta.class));
  if (shared !== undefined) {
    throw new TenancyConfigurationError(
      `The entity ${shared.className} is in \`orm\` and in \`central.orm\`. An entity belongs to the tenants or to the ` +
        'central database: give each side a class of its own, over an abstract base if they are alike.',
    );
  }
}

function isEntity({ abstract, embeddable }: EntityMetadata): boolean {
  return abstract !== true && embeddable !== true;
}
