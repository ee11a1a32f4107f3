// Says what becomes of a tenant, whenever that changes: its status, or the code of the refusal. Ends with its input.
import { TenancyError, TenantOrmManager } from 'mikro-orm-multitenancy';
import { customers } from './customers.ts';

const [server = '', database = '', id = '', cache = '{}'] = process.argv.slice(2);
const manager = await TenantOrmManager.init({
  orm: { entities: [], discovery: { warnWhenNoEntities: false } },
  server,
  central: { database, ...customers, cache: JSON.parse(cache) },
});
let said = '';
async function say(): Promise<void> {
  const now = await manager
    .run(id, (_em, { status }) => status)
    .catch((error: unknown) => (error instanceof TenancyError ? error.code : String(error)));
  if (now !== said) {
    said = now;
    console.log(now);
  }
}
manager.events.on('catalog:changed', () => void say());
await say();
process.stdin.resume().once('end', () => void manager.close());
