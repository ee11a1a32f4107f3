import type { CacheAdapter } from '@mikro-orm/core';
import { TenancyConfigurationError } from '../errors.ts';
import { createdAtOf, serverOf, type Tenant } from '../tenant/Tenant.ts';

/**
 * One tenant's part of a result cache that all tenants share. MikroORM's keys carry no database name, so each is
 * prefixed: by where the data is, and by when the tenant was created, for a dropped tenant's database may come again under
 * the same name. Closing a tenant's ORM leaves the shared adapter open.
 */
export class TenantResultCache implements CacheAdapter {
  readonly #shared: CacheAdapter;
  readonly #prefix: string;
  readonly #tenantId: string;

  constructor(shared: CacheAdapter, tenant: Tenant) {
    const createdAt = createdAtOf(tenant);
    this.#shared = shared;
    this.#tenantId = tenant.id;
    this.#prefix = `${JSON.stringify([serverOf(tenant), tenant.database, ...(createdAt === undefined ? [] : [createdAt])])}:`;
  }

  get<T = unknown>(name: string): T | Promise<T | undefined> | undefined {
    return this.#shared.get<T>(this.#prefix + name);
  }

  set(name: string, data: unknown, origin: string, expiration?: number): void | Promise<void> {
    return this.#shared.set(this.#prefix + name, data, origin, expiration);
  }

  remove(name: string): void | Promise<void> {
    return this.#shared.remove(this.#prefix + name);
  }

  /** Refuses: the shared adapter can only clear what belongs to every tenant. */
  clear(): never {
    throw new TenancyConfigurationError(
      `Tenant "${this.#tenantId}": clear() would empty the result cache of every tenant. ` +
        'Remove single keys with `em.clearCache(key)`.',
      { tenantId: this.#tenantId },
    );
  }

  close(): void {}
}
