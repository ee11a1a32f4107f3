import type { MikroORM } from '@mikro-orm/postgresql';
import { TenancyConfigurationError } from '../errors.ts';

/**
 * Throws {@link TenancyConfigurationError} for entities and options that name a schema: on MySQL and MariaDB that is a
 * database, the same one for every tenant.
 */
export function assertNoSchemas(orm: MikroORM): void {
  const { config } = orm;
  const { schema, tableName = '' } = config.get('migrations');
  refuseIf(config.get('schema') !== undefined, '`orm.schema`');
  refuseIf(schema !== undefined || tableName.includes('.'), '`orm.migrations`');
  for (const meta of orm.getMetadata()) {
    // A pivot table has what its owner says of it, and a name with a dot is one of another database as well.
    refuseIf(meta.schema !== undefined || meta.tableName?.includes('.'), `The entity ${meta.className}`);
  }
  if (config.get('multipleStatements')) {
    throw new TenancyConfigurationError(
      '`orm.multipleStatements` cannot be set for tenants: what was meant to be a value could bring a statement of its own.',
    );
  }
}

function refuseIf(isSchema: boolean | undefined, what: string): void {
  if (isSchema === true) {
    throw new TenancyConfigurationError(
      `${what} names a schema, which on MySQL and MariaDB is a database, the same one for every tenant. Leave it out: each ` +
        'tenant has a database of its own.',
    );
  }
}
