import type { EntityManager } from '@mikro-orm/postgresql';
import type { TenantEntityType } from '../catalog/CatalogTenant.ts';
import type { CentralManagerOptions, TenantOrmManagerOptions } from '../ManagerOptions.ts';
import type { TenantEntities } from '../orm/TenantOrmOptions.ts';
import type { TenantOrmManager } from '../TenantOrmManager.ts';
import type { Tenant } from '../tenant/Tenant.ts';

/** Options of `TenantOrmManager.init`, of either kind, whatever the entities and the tenant's columns. */
export interface AnyManagerOptions
  extends Omit<TenantOrmManagerOptions, 'orm' | 'catalog' | 'central' | 'weight' | 'provisioning' | 'roles'> {
  readonly orm: object;
  readonly catalog?: object | undefined;
  readonly central?: object | undefined;
  readonly weight?: unknown;
  readonly provisioning?: object | undefined;
  readonly roles?: object | undefined;
}

/**
 * What `tenancy.config.ts` exports by default: the options of `TenantOrmManager.init`, or a function that gives them or a
 * manager of its own, which the command line closes. With options the command line may give migrations more of the
 * connections than a server of requests does.
 */
export type TenancyConfig =
  | AnyManagerOptions
  | (() => AnyManagerOptions | TenantOrmManager | Promise<AnyManagerOptions | TenantOrmManager>);

/** Gives the options back; for their types in `tenancy.config.ts`. */
export function defineTenancyConfig<
  T extends Tenant,
  EM extends EntityManager = EntityManager,
  Entities extends TenantEntities = TenantEntities,
>(options: TenantOrmManagerOptions<T, EM, Entities>): TenantOrmManagerOptions<T, EM, Entities>;
/** The same for a manager whose tenants are those of its central database. */
export function defineTenancyConfig<
  C extends TenantEntityType,
  EM extends EntityManager = EntityManager,
  Entities extends TenantEntities = TenantEntities,
>(options: CentralManagerOptions<C, EM, Entities>): CentralManagerOptions<C, EM, Entities>;
export function defineTenancyConfig(options: unknown): unknown {
  return options;
}
