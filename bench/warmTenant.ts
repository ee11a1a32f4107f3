import { type EntitySchema, MikroORM } from '@mikro-orm/postgresql';
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { BenchServer } from './support/BenchServer.ts';
import { entities, type Row } from './support/entities.ts';
import { heapInUse } from './support/measure.ts';
import { type Figure, record } from './support/results.ts';

/** What is compiled for the first tenants, by MikroORM and by the engine, is not the weight of one. */
const WARM_UP = 50;
const MEASURED = 100;
/** Connections go soon after the last query, so that what stays is the ORM. */
const IDLE_TIMEOUT_MS = 100;

async function figureFor(server: BenchServer, databases: readonly string[], count: number): Promise<Figure> {
  const ours = await heapOfOurs(server, databases, entities(count));
  const stock = await heapOfStock(server, databases, entities(count));
  return {
    what: `heap of a warm tenant, ${count} entities`,
    unit: 'KB',
    ours: ours / 1024,
    peer: stock / 1024,
    ratio: stock / ours,
    aim: { is: '≤ 25 KB', met: ours <= 25 * 1024 },
  };
}

async function heapOfOurs(
  server: BenchServer,
  databases: readonly string[],
  tables: EntitySchema<Row>[],
): Promise<number> {
  await using manager = await TenantOrmManager.init({
    orm: { entities: tables },
    server: { url: server.url, idleTimeoutMs: IDLE_TIMEOUT_MS },
    catalog: new StaticCatalog(databases.map((database) => ({ id: idOf(database), database }))),
  });
  const heap = await heapOfEach(server, databases, (database) =>
    manager.run(idOf(database), async (em) => {
      for (const table of tables) {
        await em.find(table, {});
      }
    }),
  );
  const { open } = manager.stats().handles;
  if (open !== databases.length) {
    throw new Error(`${open} tenants are open, not ${databases.length}.`);
  }
  return heap;
}

async function heapOfStock(
  server: BenchServer,
  databases: readonly string[],
  tables: EntitySchema<Row>[],
): Promise<number> {
  const orms: MikroORM[] = [];
  const heap = await heapOfEach(server, databases, async (dbName) => {
    const orm = await MikroORM.init({
      entities: tables,
      clientUrl: server.url,
      dbName,
      ensureDatabase: false,
      pool: { min: 0, max: 4, idleTimeoutMillis: IDLE_TIMEOUT_MS },
    });
    orms.push(orm);
    const em = orm.em.fork();
    for (const table of tables) {
      await em.find(table, {});
    }
  });
  await Promise.all(orms.map((orm) => orm.close()));
  return heap;
}

async function heapOfEach(
  server: BenchServer,
  databases: readonly string[],
  use: (database: string) => Promise<void>,
): Promise<number> {
  const settled = async (): Promise<number> => {
    await server.untilNoSessions();
    return heapInUse();
  };
  for (const database of databases.slice(0, WARM_UP)) {
    await use(database);
  }
  const before = await settled();
  for (const database of databases.slice(WARM_UP)) {
    await use(database);
  }
  return ((await settled()) - before) / (databases.length - WARM_UP);
}

function idOf(database: string): string {
  return database.replaceAll('_', '-');
}

await using server = await BenchServer.start(100);
// The tables of the smaller schema are among those of the larger one.
const databases = await server.createDatabases({
  entities: entities(50),
  rowsPerTable: 1,
  count: WARM_UP + MEASURED,
});
record('warmTenant', {
  question: 'What does a tenant weigh that has been used, while it has no connection?',
  peer: 'a MikroORM of its own for each tenant; both have read every table once and given up their connections',
  figures: [await figureFor(server, databases, 10), await figureFor(server, databases, 50)],
  postgres: server.version,
});
