// Opens a tenant's file of libSQL in a folder and says `held`: inside of a transaction that has written, until it is killed.
// With `refused`, it says what became of that instead.
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { libsqlDatabases } from 'mikro-orm-multitenancy/libsql';

const [folder = '', database = ''] = process.argv.slice(2);

const manager = await TenantOrmManager.init({
  databases: libsqlDatabases({ folder }),
  orm: { entities: [], discovery: { warnWhenNoEntities: false } },
  catalog: new StaticCatalog([{ id: 'acme', database }]),
});
try {
  await manager.run('acme', (em) =>
    em.transactional(async (inner) => {
      await inner.execute("insert into person (id, name) values (900, 'never committed')");
      console.log('held');
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    }),
  );
} catch (error) {
  console.log(String(error));
}
await manager.close();
