// Migrates the central database, which it creates if need be, and prints what was applied.
import { TenantOrmManager } from 'mikro-orm-multitenancy';
import { customers } from './customers.ts';

const [server = '', database = ''] = process.argv.slice(2);
const manager = await TenantOrmManager.init({
  orm: { entities: [], discovery: { warnWhenNoEntities: false } },
  server,
  central: { database, ...customers },
});
const applied = await manager.central.migrate({ createDatabase: true });
console.log(JSON.stringify(applied.map(({ name }) => name)));
await manager.close();
