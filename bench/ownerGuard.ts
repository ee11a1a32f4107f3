import { type EntityManager, type EntitySchema, MikroORM } from '@mikro-orm/postgresql';
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { BenchServer } from './support/BenchServer.ts';
import { entities, type Row } from './support/entities.ts';
import { inTurns, timeOf } from './support/measure.ts';
import { record } from './support/results.ts';

const ROWS = 1_000;
const REPETITIONS = 5;
const rounds = { rounds: 31, warmUp: 10 };

await using server = await BenchServer.start(20);
const [database = ''] = await server.createDatabases({ entities: entities(1), rowsPerTable: ROWS, count: 1 });

const [ourTable, stockTable] = [entities(1)[0], entities(1)[0]] as [EntitySchema<Row>, EntitySchema<Row>];
await using manager = await TenantOrmManager.init({
  orm: { entities: [ourTable] },
  server: server.url,
  catalog: new StaticCatalog([{ id: 'acme', database }]),
});
const orm = await MikroORM.init({ entities: [stockTable], clientUrl: server.url, dbName: database });
const rows = await orm.em.fork().execute('select * from table_0');
await using lease = await manager.acquire('acme');

/** Milliseconds that `work` takes on a new fork, of several. */
const onForks = async (em: EntityManager, work: (fork: EntityManager) => unknown): Promise<number> => {
  const all = await timeOf(async () => {
    for (let index = 0; index < REPETITIONS; index += 1) {
      await work(em.fork());
    }
  });
  return all / REPETITIONS;
};
const hydrate = (table: EntitySchema<Row>) => (em: EntityManager) => {
  for (const row of rows) {
    em.map(table, row);
  }
};
const find = (table: EntitySchema<Row>) => async (em: EntityManager) => {
  const found = await em.find(table, {});
  if (found.length !== ROWS) {
    throw new Error(`${found.length} rows were found, not ${ROWS}.`);
  }
};
const findAndFlush = (table: EntitySchema<Row>) => async (em: EntityManager) => {
  await find(table)(em);
  await em.flush();
};

const compare = (what: string, workOn: (table: EntitySchema<Row>) => (em: EntityManager) => unknown) =>
  inTurns(
    () => onForks(lease.orm.em, workOn(ourTable)),
    () => onForks(orm.em, workOn(stockTable)),
    rounds,
  ).then((times) => ({ what, unit: 'ms', ...times }));

record('ownerGuard', {
  question: `What does it cost that every entity has an owner, for ${ROWS} entities?`,
  peer: 'one plain MikroORM over the same table of ten columns, in the same process and in turns',
  figures: [
    await compare('em.map of rows in memory: hydration alone', hydrate),
    await compare('em.find', find),
    await compare('em.find and a flush that finds nothing changed', findAndFlush),
  ],
  postgres: server.version,
});
await orm.close();
