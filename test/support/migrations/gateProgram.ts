// Serves one tenant behind a gate that migrates it, from several callers at once, and prints what each of them found.
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { migrationsList } from './migrations.ts';

const [server = '', database = '', callers = '1'] = process.argv.slice(2);
const manager = await TenantOrmManager.init({
  orm: { entities: [], discovery: { warnWhenNoEntities: false }, migrations: { migrationsList } },
  server,
  catalog: new StaticCatalog([{ id: 'acme', database }]),
  versionGate: { requires: 'latest', whenBehind: 'migrate' },
});
const applied: string[] = [];
manager.events.on('migration:applied', ({ migrations }) => applied.push(...migrations));
const found = await Promise.all(
  Array.from({ length: Number(callers) }, () =>
    manager.run('acme', async (em) => {
      const [row] = await em.execute<{ count: string }[]>('select count(*) from counter');
      return Number(row?.count);
    }),
  ),
);
console.log(JSON.stringify({ applied, found }));
await manager.close();
