import { expect, it } from '@jest/globals';
import { StaticCatalog, TenantDatabaseMissingError, type TenantLease, TenantOrmManager } from 'mikro-orm-multitenancy';
import { adminQuery, serverUrl, uniqueName } from '../../support/databases.ts';
import { relations } from '../../support/metadata/defineEntityLibrary.ts';

const reaching: Record<string, (lease: TenantLease) => Promise<unknown>> = {
  'a find': (lease) => lease.run((em) => em.find(relations.model.Author, {})),
  'schema.create': ({ orm }) => orm.schema.create(),
  'schema.update': ({ orm }) => orm.schema.update(),
  'schema.refresh': ({ orm }) => orm.schema.refresh(),
  'schema.ensureDatabase': ({ orm }) => orm.schema.ensureDatabase(),
  'migrator.up': ({ orm }) => orm.migrator.up(),
  'migrator.getPending': ({ orm }) => orm.migrator.getPending(),
  connect: ({ orm }) => orm.connect().then(() => orm.em.fork().execute('select 1')),
};

it.each(
  Object.keys(reaching).flatMap((name) => [
    { name, shareMetadata: true },
    { name, shareMetadata: false },
  ]),
)('$name creates no database that is missing, sharing metadata: $shareMetadata', async ({ name, shareMetadata }) => {
  const database = uniqueName('missing');
  await using manager = await TenantOrmManager.init({
    orm: relations.orm,
    server: serverUrl(),
    catalog: new StaticCatalog([{ id: 'acme', database }]),
    shareMetadata,
  });
  await using lease = await manager.acquire('acme');
  await expect(reaching[name]?.(lease)).rejects.toThrow(TenantDatabaseMissingError);
  expect(await adminQuery('select 1 from pg_database where datname = $1', [database])).toEqual([]);
});
