// A manager whose every listener throws; prints what its work came to, and how many uncaught exceptions there were.
import { StaticCatalog, type TenancyEvents, TenantOrmManager } from 'mikro-orm-multitenancy';

const [server = '', database = ''] = process.argv.slice(2);
let uncaught = 0;
process.on('uncaughtException', (error) => {
  uncaught += error.message === 'a listener failed' ? 1 : 0;
});
const manager = await TenantOrmManager.init({
  orm: { entities: [], discovery: { warnWhenNoEntities: false } },
  server,
  catalog: new StaticCatalog([
    { id: 'acme', database },
    { id: 'gone', database: 'a_database_that_is_not_there' },
  ]),
});
const heard = new Set<string>();
const names = [
  'tenant:opened',
  'tenant:evicted',
  'connection:opened',
  'connection:closed',
  'connection:failed',
  'connection:tainted',
];
for (const name of names as (keyof TenancyEvents)[]) {
  manager.events.on(name, () => {
    heard.add(name);
    throw new Error('a listener failed');
  });
}
const [row] = await manager.run('acme', (em) => em.execute<{ answer: number }[]>('select 42 as answer'));
await manager.run('acme', (em) => em.execute('begin; select 1'));
const code = await manager.run('gone', (em) => em.execute('select 1')).catch((error: { code: string }) => error.code);
const evicted = await manager.evict('acme');
await manager.run('acme', (em) => em.execute('select 1'));
await manager.close();
await new Promise((resolve) => setImmediate(resolve));
const { requests } = manager.stats().servers['default'] ?? {};
const left = [requests?.opening, requests?.idle, requests?.inUse, requests?.closing];
console.log(
  JSON.stringify({ answer: row?.answer, code, evicted, left, heard: [...heard].sort(), uncaught: uncaught > 5 }),
);
