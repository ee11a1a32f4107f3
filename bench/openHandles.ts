import { MikroORM } from '@mikro-orm/postgresql';
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { entities } from './support/entities.ts';
import { heapInUse, heapOfEach } from './support/measure.ts';
import { record } from './support/results.ts';

const HANDLES = 10_000;
const STOCK = 100;
const ENTITIES = 50;
/** Nobody listens there; a handle without a connection is what is asked for. */
const NOWHERE = 'postgresql://app@127.0.0.1:1';
const MB = 1024 * 1024;

const tenants = Array.from({ length: HANDLES }, (_, index) => ({ id: `t${index}`, database: `tenant_${index}` }));
await using manager = await TenantOrmManager.init({
  orm: { entities: entities(ENTITIES) },
  server: NOWHERE,
  catalog: new StaticCatalog(tenants),
  maxOpenTenants: HANDLES,
});
for (const { id } of tenants) {
  // Runs, so that each has forked its EntityManager once.
  await manager.run(id, () => {});
}
const ours = heapInUse();
const residentBytes = process.memoryUsage().rss;
const { open } = manager.stats().handles;
if (open !== HANDLES) {
  throw new Error(`${open} tenants are open, not ${HANDLES}.`);
}

const stockEntities = entities(ENTITIES);
const stock = await heapOfEach(STOCK, (index) =>
  MikroORM.init({ entities: stockEntities, clientUrl: NOWHERE, dbName: `tenant_${index}` }),
);

record('openHandles', {
  question: `What do ${HANDLES} open tenants of ${ENTITIES} entities weigh in one process?`,
  peer: `MikroORM.init for each tenant, measured for ${STOCK} of them and multiplied: nobody would open ${HANDLES}`,
  figures: [
    {
      what: 'heap of the whole process',
      unit: 'MB',
      ours: ours / MB,
      peer: (stock * HANDLES) / MB,
      ratio: (stock * HANDLES) / ours,
      aim: { is: '≤ 250 MB', met: ours <= 250 * MB },
    },
    { what: 'resident memory of the process', unit: 'MB', ours: residentBytes / MB },
  ],
});
