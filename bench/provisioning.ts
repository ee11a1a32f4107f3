import { Migration } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import { TenantOrmManager } from 'mikro-orm-multitenancy';
import pg from 'pg';
import { BenchServer } from './support/BenchServer.ts';
import { entities } from './support/entities.ts';
import { median, timeOf } from './support/measure.ts';
import { record } from './support/results.ts';

const TABLES = 30;
const ROUNDS = 20;
/** Sign-ups at the same moment. */
const BURST = 200;

/** One table, an index and a row for each: what an application has after some years. */
const migrationsList = Array.from({ length: TABLES }, (_, n) => {
  class Table extends Migration {
    override up(): void {
      this.addSql(
        `create table table_${n} (id serial primary key, name text not null, code text not null, kind text not null, note text not null)`,
      );
      this.addSql(`create index table_${n}_code on table_${n} (code)`);
      this.addSql(
        `insert into table_${n} (name, code, kind, note) values ('first', 'f', 'plain', 'A note on this row.')`,
      );
    }
  }
  return { name: `Migration${String(n).padStart(3, '0')}`, class: Table };
});
const orm = { entities: entities(TABLES), migrations: { migrationsList, snapshot: false, silent: true } };

await using server = await BenchServer.start(100, { isDurable: true });
const { url } = server;
const prefix = `signup_${process.pid}`;
const made: string[] = [];
const client = new pg.Client({ connectionString: `${url}/postgres` });
await client.connect();
const centralDatabase = `${prefix}_central`;
await client.query(`create database ${centralDatabase}`);

function managerWith(spares: number | undefined) {
  return TenantOrmManager.init({
    orm,
    server: { url, maxConnections: 30, reservedConnections: 6 },
    central: { database: centralDatabase, server: url },
    provisioning: {
      databaseName: (id) => `${prefix}_${id}`,
      ...(spares === undefined ? {} : { spares: { min: 1, max: spares, refill: false } }),
    },
  });
}

async function plainly(database: string): Promise<void> {
  const plain = await MikroORM.init({ ...orm, clientUrl: url, dbName: database });
  await plain.migrator.up();
  await plain.close();
}

const [fromSpares, fromTemplate] = [await managerWith(ROUNDS + 1), await managerWith(undefined)];
await fromSpares.central.migrate();
await fromTemplate.provision({ id: 'warm-template' });
await fromSpares.fillSpares();
await fromSpares.provision({ id: 'warm-spare' });
const { rows: templates } = await client.query<{ datname: string }>(
  "select datname from pg_database where datname like 'tenancy\\_%\\_template\\_%' order by datname",
);
const template = templates.at(-1)?.datname ?? '';

const times = { spare: [] as number[], template: [] as number[], plain: [] as number[], bare: [] as number[] };
for (let round = 0; round < ROUNDS; round += 1) {
  times.bare.push(
    await timeOf(() =>
      client.query(`create database "${prefix}_bare_${round}" template "${template}" strategy wal_log`),
    ),
  );
  times.template.push(await timeOf(() => fromTemplate.provision({ id: `template-${round}` })));
  times.spare.push(await timeOf(() => fromSpares.provision({ id: `spare-${round}` })));
  times.plain.push(await timeOf(() => plainly(`${prefix}_plain_${round}`)));
  made.push(`${prefix}_bare_${round}`, `${prefix}_plain_${round}`);
}

async function burst(manager: Awaited<ReturnType<typeof managerWith>>, kind: string) {
  const one: number[] = [];
  const ids = Array.from({ length: BURST }, (_, n) => `${kind}-burst-${n}`);
  const all = await timeOf(() =>
    Promise.all(ids.map(async (id) => one.push(await timeOf(() => manager.provision({ id }))))),
  );
  return {
    perSecond: (BURST * 1_000) / all,
    p99: one.sort((a, b) => a - b)[Math.floor(one.length * 0.99)] ?? Number.NaN,
  };
}

const templateBurst = await burst(fromTemplate, 'template');
await fromSpares.close();
const burstManager = await managerWith(BURST);
await burstManager.fillSpares();
const spareBurst = await burst(burstManager, 'spare');
await burstManager.close();
await fromTemplate.close();

const { rows } = await client.query<{ datname: string }>(
  'select datname from pg_database where starts_with(datname, $1) or datname = any($2)',
  [prefix, templates.map(({ datname }) => datname)],
);
for (const { datname } of rows) {
  await client.query(`drop database "${datname}" with (force)`);
}
await client.end();

const [spare, fresh, plain, bare] = [times.spare, times.template, times.plain, times.bare].map(median) as [
  number,
  number,
  number,
  number,
];
record('provisioning', {
  question: `How long does it take to a usable tenant with ${TABLES} tables and ${TABLES} migrations?`,
  peer: 'MikroORM.init and migrator.up() on a new database; bare CREATE DATABASE … TEMPLATE, the limit',
  figures: [
    {
      what: 'from a spare',
      unit: 'ms',
      ours: spare,
      peer: plain,
      ratio: plain / spare,
      aim: { is: '≤ 25 ms', met: spare <= 25 },
    },
    {
      what: 'from a spare, beside create + migrate',
      unit: 'ms',
      ours: spare,
      peer: plain,
      ratio: plain / spare,
      aim: { is: '≥ 10 times', met: plain / spare >= 10 },
    },
    { what: 'from the template, beside create + migrate', unit: 'ms', ours: fresh, peer: plain, ratio: plain / fresh },
    {
      what: 'from the template, beside the limit',
      unit: 'ms',
      ours: fresh,
      peer: bare,
      ratio: fresh / bare,
      aim: { is: '≤ 1.3', met: fresh / bare <= 1.3 },
    },
    { what: `${BURST} at once from the template, a second`, unit: '/s', ours: templateBurst.perSecond },
    { what: 'p99 of those', unit: 'ms', ours: templateBurst.p99 },
    { what: `${BURST} at once from spares, a second`, unit: '/s', ours: spareBurst.perSecond },
    { what: 'p99 of those', unit: 'ms', ours: spareBurst.p99 },
  ],
  postgres: server.version,
});
