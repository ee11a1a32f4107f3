import type { EntityManager } from '@mikro-orm/postgresql';
import type { TenantCatalog } from '../catalog/TenantCatalog.ts';
import type { CentralDatabase } from '../central/CentralDatabase.ts';
import type { TenantMigrator } from '../migrations/TenantMigrator.ts';
import type { TenantWork } from '../orm/TenantLease.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import type { DatabaseCopier } from './copy/DatabaseCopier.ts';
import type { DatabaseAdmin } from './DatabaseAdmin.ts';
import type { DatabaseNames } from './databaseNames.ts';
import type { CheckedProvisioning } from './ProvisioningOptions.ts';
import type { TenantRoles } from './roles/TenantRoles.ts';
import type { SpareDatabases } from './SpareDatabases.ts';
import type { TemplateDatabase } from './TemplateDatabase.ts';

/** What the steps of a tenant's life work with. */
export interface LifeParts<T extends Tenant = Tenant> {
  readonly options: CheckedProvisioning<T>;
  readonly central: CentralDatabase<T> | undefined;
  readonly catalog: TenantCatalog<T>;
  /** By the name of the server, as the templates. */
  readonly admins: ReadonlyMap<string, DatabaseAdmin>;
  readonly templates: ReadonlyMap<string, TemplateDatabase>;
  readonly names: DatabaseNames;
  readonly spares: SpareDatabases | undefined;
  /** Each tenant's own role, where tenants have one. */
  readonly roles: TenantRoles | undefined;
  readonly copier: DatabaseCopier;
  readonly migratorOf: (tenant: T) => TenantMigrator;
  /** Runs `work` as the tenant, whatever its status is. */
  readonly asTenant: <R>(tenant: T, work: TenantWork<R, T, EntityManager>) => Promise<R>;
  /** Closes the tenant in this process. */
  readonly evict: (id: string, timeoutMs: number) => Promise<unknown>;
}

/** The administration of one server. Operations are refused before they begin where there is none of this name. */
export function adminOf(parts: Pick<LifeParts, 'admins'>, server: unknown): DatabaseAdmin {
  const admin = parts.admins.get(server as string);
  if (admin === undefined) {
    throw new Error(`There is no server ${JSON.stringify(server)} in this process.`);
  }
  return admin;
}
