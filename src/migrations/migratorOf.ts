import type { MikroORM } from '@mikro-orm/postgresql';

/** Where MikroORM's migrator writes down what it has applied. */
interface Storage {
  resolveTableName(): { readonly tableName: string; readonly schemaName?: string | undefined };
  getTableName(): object;
}

/** By platform, schema and table: as many as there are lists of migrations, however many tenants. */
const lists = new Map<string, object>();

/**
 * The migrator of a tenant's ORM, which uses one entity for each list of migrations. MikroORM's own makes one for each
 * look at its list and each migration that it writes down, in a registry of the process that nothing leaves.
 */
export function migratorOf(orm: MikroORM): MikroORM['migrator'] {
  const { migrator } = orm;
  const { storage } = migrator as unknown as { readonly storage?: Storage };
  if (storage === undefined) {
    // One of the application's own, which keeps its list by other means.
    return migrator;
  }
  const { getTableName } = storage;
  const platform = orm.config.getPlatform().constructor.name;
  storage.getTableName = () => {
    const { tableName, schemaName } = storage.resolveTableName();
    const key = JSON.stringify([platform, schemaName, tableName]);
    const list = lists.get(key) ?? getTableName.call(storage);
    lists.set(key, list);
    return list;
  };
  return migrator;
}
