import { MikroORM, RequestContext } from '@mikro-orm/postgresql';
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { entities } from './support/entities.ts';
import { inTurns, timeOf } from './support/measure.ts';
import { record } from './support/results.ts';

/** Nobody listens there, and nothing is asked of a database. */
const NOWHERE = 'postgresql://app@127.0.0.1:1';
const CALLS = 5_000;

await using manager = await TenantOrmManager.init({
  orm: { entities: entities(10) },
  server: NOWHERE,
  catalog: new StaticCatalog([{ id: 'acme', database: 'acme' }]),
});
const orm = await MikroORM.init({ entities: entities(10), clientUrl: NOWHERE, dbName: 'acme' });

/** Microseconds a call. */
const each = async (call: () => Promise<void>): Promise<number> => {
  const all = await timeOf(async () => {
    for (let index = 0; index < CALLS; index += 1) {
      await call();
    }
  });
  return (all * 1_000) / CALLS;
};
const work = async (): Promise<void> => {};

const lease = await manager.acquire('acme');
const run = await inTurns(
  () => each(() => manager.run('acme', work)),
  () => each(() => RequestContext.create(orm.em, work)),
  { rounds: 31, warmUp: 10 },
);
const leased = await inTurns(
  () => each(() => lease.run(work)),
  () => each(() => RequestContext.create(orm.em, work)),
  { rounds: 31, warmUp: 10 },
);
lease.release();

record('runOverhead', {
  question: 'What does `run` cost beside a bare `RequestContext.create`?',
  peer: 'RequestContext.create over one MikroORM, with the same empty work, in the same process and in turns',
  figures: [
    { what: 'manager.run', unit: 'µs', ...run },
    { what: 'what manager.run adds', unit: 'µs', ours: run.ours - run.peer },
    { what: 'lease.run, on a lease that is held', unit: 'µs', ...leased },
  ],
});
