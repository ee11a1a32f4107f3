import type { EntityManager } from '@mikro-orm/postgresql';
import type { TenantWork } from '../../orm/TenantLease.ts';
import type { Tenant } from '../../tenant/Tenant.ts';
import type { SeederClass, TenantSeed } from '../ProvisioningOptions.ts';

/** Runs a seeder or a function in one transaction, which is flushed at its end. */
export function seedWork<T extends Tenant>(seed: TenantSeed<T>): TenantWork<void, T, EntityManager> {
  return async (em, tenant) => {
    await em.transactional(async (inner) => {
      if (isSeeder(seed)) {
        await new seed().run(inner as EntityManager);
      } else {
        await seed(inner as EntityManager, tenant);
      }
    });
  };
}

function isSeeder<T extends Tenant>(seed: TenantSeed<T>): seed is SeederClass {
  return typeof (seed.prototype as { readonly run?: unknown } | undefined)?.run === 'function';
}
