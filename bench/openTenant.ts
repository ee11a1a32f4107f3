import { NullCacheAdapter } from '@mikro-orm/core';
import { MikroORM, type Options } from '@mikro-orm/postgresql';
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { entities } from './support/entities.ts';
import { heapOfEach, inTurns, timeOf } from './support/measure.ts';
import { type Figure, record } from './support/results.ts';

/** Nobody listens there: opening a tenant connects to nothing, and neither does `MikroORM.init`. */
const NOWHERE = 'postgresql://app@127.0.0.1:1';
/** One of ours is too short for the clock. */
const OURS_A_TURN = 20;
/** The least that a real MikroORM can be made of: its constructor, with nothing to discover and nothing to share. */
const BARE: Options = {
  entities: [],
  dbName: 'nothing',
  discovery: { warnWhenNoEntities: false, skipSyncDiscovery: true },
  metadataCache: { enabled: false, adapter: NullCacheAdapter },
};

async function figuresFor(count: number): Promise<Figure[]> {
  const tenants = Array.from({ length: 5_000 }, (_, index) => ({ id: `t${index}`, database: `tenant_${index}` }));
  await using manager = await TenantOrmManager.init({
    orm: { entities: entities(count) },
    server: NOWHERE,
    catalog: new StaticCatalog(tenants),
    maxOpenTenants: tenants.length,
  });
  const stockEntities = entities(count);
  let opened = 0;

  const openOurs = async (): Promise<void> => {
    const lease = await manager.acquire(`t${opened}`);
    opened += 1;
    lease.release();
  };
  const openStock = (): Promise<MikroORM> => {
    opened += 1;
    return MikroORM.init({ entities: stockEntities, clientUrl: NOWHERE, dbName: `tenant_${opened}` });
  };
  const timeOfEach = async (open: () => unknown): Promise<number> => {
    const all = await timeOf(async () => {
      for (let index = 0; index < OURS_A_TURN; index += 1) {
        await open();
      }
    });
    return all / OURS_A_TURN;
  };

  const turns = { rounds: 40, warmUp: 60 };
  const time = await inTurns(
    () => timeOfEach(openOurs),
    () => timeOf(openStock),
    turns,
  );
  const limit = await inTurns(
    () => timeOfEach(() => new MikroORM(BARE)),
    () => timeOf(openStock),
    turns,
  );
  const ours = await heapOfEach(1_000, openOurs);
  const stock = await heapOfEach(30, openStock);
  const faster = time.peer / time.ours;
  return [
    {
      what: `time to open, ${count} entities`,
      unit: 'ms',
      ...time,
      ratio: faster,
      aim: { is: '≥ 60 times faster', met: faster >= 60 },
    },
    {
      what: `the limit: a bare MikroORM's constructor alone, beside MikroORM.init of ${count} entities`,
      unit: 'ms',
      ...limit,
      ratio: limit.peer / limit.ours,
    },
    {
      what: `heap of a tenant just opened, ${count} entities`,
      unit: 'KB',
      ours: ours / 1024,
      peer: stock / 1024,
      ratio: stock / ours,
    },
  ];
}

record('openTenant', {
  question: 'What does it cost to open a tenant?',
  peer: 'MikroORM.init over as many entities, in the same process and in turns, both warmed up; nothing connects',
  figures: [...(await figuresFor(10)), ...(await figuresFor(50))],
});
