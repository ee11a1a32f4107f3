// Says what becomes of a tenant, whenever that changes: its status, or the code of the refusal. Ends with its input.
import { TenancyError, TenantOrmManager } from 'mikro-orm-multitenancy';
import { customers } from './customers.ts';

const [server = '', database = '', id = '', cache = '{}'] = process.argv.slice(2);
const manager = await TenantOrmManager.init({
  orm: { entities: [], discovery: { warnWhenNoEntities: false } },
  server,
  central: { database, ...customers, cache: JSON.parse(cache) },
});
let isOver = false;
process.stdin.resume().once('end', () => {
  isOver = true;
});
let said = '';
while (!isOver) {
  const now = await manager
    .run(id, (_em, { status }) => status)
    .catch((error: unknown) => (error instanceof TenancyError ? error.code : String(error)));
  if (now !== said) {
    said = now;
    console.log(now);
  }
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}
await manager.close();
