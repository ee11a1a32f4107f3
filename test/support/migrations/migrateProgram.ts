// Migrates one tenant from several callers of this process at once, and prints what each of them applied.
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { migrationsList } from './migrations.ts';

const [server = '', database = '', callers = '1'] = process.argv.slice(2);
const manager = await TenantOrmManager.init({
  orm: { entities: [], discovery: { warnWhenNoEntities: false }, migrations: { migrationsList } },
  server,
  catalog: new StaticCatalog([{ id: 'acme', database }]),
});
const applied = await Promise.all(
  Array.from({ length: Number(callers) }, async () => (await manager.migrator('acme').up()).map(({ name }) => name)),
);
console.log(JSON.stringify(applied.flat()));
await manager.close();
