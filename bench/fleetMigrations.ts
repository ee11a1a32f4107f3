import type { EntitySchema } from '@mikro-orm/core';
import { Migration } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import pMap from 'p-map';
import pg from 'pg';
import { BenchServer } from './support/BenchServer.ts';
import { entities, type Row } from './support/entities.ts';
import { median, timeOf } from './support/measure.ts';
import { type Figure, record } from './support/results.ts';

const TENANTS = 500;
/** As an application has that is worth a fleet. */
const ENTITIES = 50;
/** Of everybody but the loop, which takes one tenant after the other. */
const CONCURRENCY = 4;
const ROUNDS = 3;
/** One after the other would take minutes for each round; the loop migrates so many tenants, and its time is scaled. */
const LOOP_TENANTS = 100;

const statements = (round: string): string[] => [
  `alter table table_0 add column extra_${round} int`,
  `create index table_0_extra_${round} on table_0 (extra_${round})`,
];

/** A migration of its own for each turn: one ALTER and one index. */
function migrationOf(turn: string) {
  class Turn extends Migration {
    override up(): void {
      for (const sql of statements(turn)) {
        this.addSql(sql);
      }
    }
  }
  return { name: `Migration_${turn}`, class: Turn };
}

const optionsOf = (turn: string, tables: EntitySchema<Row>[]) => ({
  entities: tables,
  migrations: { migrationsList: [migrationOf(turn)], snapshot: false, silent: true },
});

async function ours(turn: string, url: string, databases: readonly string[], tables: EntitySchema<Row>[]) {
  await using manager = await TenantOrmManager.init({
    orm: optionsOf(turn, tables),
    server: { url, maxConnections: CONCURRENCY + 10, reservedConnections: CONCURRENCY + 1 },
    catalog: new StaticCatalog(databases.map((database) => ({ id: database.replaceAll('_', '-'), database }))),
  });
  const { counts } = await manager.fleet.migrate();
  if (counts.done !== databases.length) {
    throw new Error(`Not everybody was migrated: ${JSON.stringify(counts)}`);
  }
}

async function plainly(turn: string, url: string, dbName: string, tables: EntitySchema<Row>[]): Promise<void> {
  const orm = await MikroORM.init({ ...optionsOf(turn, tables), clientUrl: url, dbName });
  await orm.migrator.up();
  await orm.close();
}

/** The limit: the same statements and the same locks, with nothing around them. */
async function bare(turn: string, url: string, database: string): Promise<void> {
  const client = new pg.Client({ connectionString: `${url}/${database}` });
  await client.connect();
  await client.query("set lock_timeout = '3s'");
  await client.query('select pg_try_advisory_lock(1, 1)');
  await client.query(
    'create table if not exists mikro_orm_migrations (id serial primary key, name varchar(255), executed_at timestamptz default now())',
  );
  await client.query('select id, name, executed_at from mikro_orm_migrations order by id');
  await client.query('begin');
  for (const sql of statements(turn)) {
    await client.query(sql);
  }
  await client.query('insert into mikro_orm_migrations (name) values ($1)', [`Migration_${turn}`]);
  await client.query('commit');
  await client.query('select id, name, executed_at from mikro_orm_migrations order by id');
  await client.end();
}

await using server = await BenchServer.start(100);
const { url } = server;
const databases = await server.createDatabases({ entities: entities(ENTITIES), rowsPerTable: 100, count: TENANTS });
const [own, looped, mapped] = [entities(ENTITIES), entities(ENTITIES), entities(ENTITIES)];
const times = { ours: [] as number[], loop: [] as number[], map: [] as number[], bare: [] as number[] };
for (let round = 0; round < ROUNDS; round += 1) {
  times.ours.push(await timeOf(() => ours(`ours_${round}`, url, databases, own)));
  const all = await timeOf(async () => {
    for (const database of databases.slice(0, LOOP_TENANTS)) {
      await plainly(`loop_${round}`, url, database, looped);
    }
  });
  times.loop.push((all * TENANTS) / LOOP_TENANTS);
  const concurrently = { concurrency: CONCURRENCY };
  times.map.push(await timeOf(() => pMap(databases, (one) => plainly(`map_${round}`, url, one, mapped), concurrently)));
  times.bare.push(await timeOf(() => pMap(databases, (one) => bare(`bare_${round}`, url, one), concurrently)));
}

function beside(peer: 'loop' | 'map' | 'bare', what: string, aim: number): Figure {
  const ratio = median(times.ours.map((own_, round) => (times[peer][round] ?? 0) / own_));
  const values = { ours: median(times.ours) / 1_000, peer: median(times[peer]) / 1_000 };
  return { what, unit: 's', ...values, ratio, aim: { is: `≥ ${aim}`, met: ratio >= aim } };
}

record('fleetMigrations', {
  question: `How long does one ALTER and one index take over ${TENANTS} tenants?`,
  peer: `MikroORM.init and migrator.up() for each, one after the other, and ${CONCURRENCY} at a time; bare pg with the same locks and concurrency`,
  figures: [
    beside('loop', 'beside the obvious loop', 5),
    beside('map', 'beside the same with p-map', 1.5),
    beside('bare', 'beside bare pg, the limit', 0.6),
  ],
  postgres: server.version,
});
