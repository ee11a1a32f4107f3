// Looks a tenant up and ends without closing the manager, whose session goes on listening.
import { TenantOrmManager } from 'mikro-orm-multitenancy';

const [url = '', database = '', id = ''] = process.argv.slice(2);
const manager = await TenantOrmManager.init({
  orm: { entities: [], discovery: { warnWhenNoEntities: false } },
  server: url,
  central: { database, server: { url, idleTimeoutMs: 200 }, cache: { pollIntervalMs: 100 } },
});
const tenant = await manager.catalog.find(id);
console.log(tenant?.status);
