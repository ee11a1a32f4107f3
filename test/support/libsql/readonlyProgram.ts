// Reads and writes a tenant's file that it may not write, as a user who is not root, and prints what became of that.
import { StaticCatalog, TenantOrmManager, type TenantStatus } from 'mikro-orm-multitenancy';
import { libsqlDatabases } from 'mikro-orm-multitenancy/libsql';

const [folder = '', database = ''] = process.argv.slice(2);
const NOBODY = 65_534;

const managerOf = (status: TenantStatus) =>
  TenantOrmManager.init({
    databases: libsqlDatabases({ folder }),
    orm: { entities: [], discovery: { warnWhenNoEntities: false } },
    catalog: new StaticCatalog([{ id: 'acme', database, status }]),
  });

if (process.getuid?.() === 0) {
  process.setegid?.(NOBODY);
  process.seteuid?.(NOBODY);
}
const printed: unknown[] = [];
for (const status of ['active', 'readonly'] as const) {
  const manager = await managerOf(status);
  await manager.run('acme', async (em) => {
    printed.push(await em.execute('select count(*) as n from person'));
    const write = em.transactional((inner) =>
      inner.execute("insert into person (id, name) values (900, 'x') returning id"),
    );
    printed.push(await write.catch((error: Error) => error.constructor.name));
    printed.push(await em.execute('select count(*) as n from person'));
  });
  await manager.close();
}
console.log(JSON.stringify(printed));
