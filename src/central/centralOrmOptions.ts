import type { EntityMetadata } from '@mikro-orm/core';
import { CHANGES_TABLE, DOMAINS_TABLE, TENANTS_TABLE, TenantDomain } from '../catalog/TenantEntity.ts';
import type { TenantOrmOptions } from '../orm/TenantOrmOptions.ts';
import type { CheckedCentralOptions } from './CentralOptions.ts';
import { CATALOG_MIGRATIONS_TABLE, FLEET_TABLES, PROVISIONING_TABLES } from './names.ts';

/** MikroORM's options of the central database: the application's, and the catalogue's entities beside. */
export function centralOrmOptions({ orm, tenant, tenantClass }: CheckedCentralOptions): TenantOrmOptions {
  const entities = [...(orm.entities ?? [])].filter((entity) => entity !== tenant && entity !== tenantClass);
  const { discovery, schemaGenerator } = orm;
  return {
    ...orm,
    entities: [...entities, tenant, TenantDomain],
    discovery: {
      ...discovery,
      onMetadata: (meta, platform) => {
        if (meta.class === tenantClass) {
          (meta as EntityMetadata).tableName = TENANTS_TABLE;
          meta.collection = TENANTS_TABLE;
        }
        return discovery?.onMetadata?.(meta, platform);
      },
    },
    schemaGenerator: {
      ...schemaGenerator,
      // They belong to the catalogue's migrations. Its table of tenants may have columns of the application's.
      skipTables: [
        ...(schemaGenerator?.skipTables ?? []),
        DOMAINS_TABLE,
        CHANGES_TABLE,
        CATALOG_MIGRATIONS_TABLE,
        FLEET_TABLES,
        PROVISIONING_TABLES,
      ],
    },
  };
}
