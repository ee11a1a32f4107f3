import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { StaticCatalog, type TenantOrmManagerOptions, TenantReadOnlyError } from 'mikro-orm-multitenancy';
import pg from 'pg';
import { adminQuery, serverUrl } from '../../support/databases.ts';
import { House, TestTenants, until } from '../../support/manager/TestTenants.ts';
import { migrationsList, names } from '../../support/migrations/migrations.ts';
import { describeWithPgBouncer } from '../../support/pgbouncer/describeWithPgBouncer.ts';
import { PgBouncer } from '../../support/pgbouncer/PgBouncer.ts';
import { RecordingProxy } from '../../support/pgbouncer/RecordingProxy.ts';

const IDS = ['acme', 'globex', 'initech'];
/** Fewer server connections than clients: a client's next transaction may run in another session. */
const POOL_SIZE = 2;

describeWithPgBouncer('through PgBouncer in transaction mode', () => {
  let pooler: PgBouncer;
  let tenants: TestTenants;
  beforeAll(async () => {
    pooler = await PgBouncer.start(serverUrl(), { poolSize: POOL_SIZE });
    tenants = await TestTenants.create(IDS);
  });
  afterAll(async () => {
    // Its server connections keep the name of their last client.
    await pooler[Symbol.asyncDispose]();
    await tenants[Symbol.asyncDispose]();
  });

  const manager = (
    server: Exclude<TenantOrmManagerOptions['server'], string | undefined> | object = {},
    options: Partial<TenantOrmManagerOptions> = {},
  ) =>
    tenants.manager({
      server: { url: pooler.url, directUrl: serverUrl(), maxConnectionsPerTenant: 8, ...server },
      ...options,
    });

  /** Another program's client of the pooler, which may get the session that a tenant has just used. */
  async function asAnother<R>(database: string, work: (client: pg.Client) => Promise<R>): Promise<R> {
    const url = new URL(pooler.url);
    url.pathname = `/${database}`;
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  it('every request lands in the database of its tenant, in few sessions of the server', async () => {
    const own = await manager();
    const reached = await Promise.all(
      Array.from({ length: 120 }, async (_, n) => {
        const id = IDS[n % IDS.length] as string;
        const rows = await own.run(id, (em) =>
          em.execute<{ name: string; pid: number }[]>('select current_database() as name, pg_backend_pid() as pid'),
        );
        return { id, name: rows[0]?.name, pid: rows[0]?.pid };
      }),
    );
    expect(reached.filter(({ id, name }) => name !== tenants.databaseOf(id))).toEqual([]);
    expect(new Set(reached.map(({ pid }) => pid)).size).toBeLessThanOrEqual(IDS.length * POOL_SIZE);
    await own.close();
    await until(async () => (await pooler.console('show clients')).length === 1, 'the pooler has clients of ours');
  });

  it('a transaction stays in one session and is seen as a whole, with more of them than sessions', async () => {
    const own = await manager();
    const write = (tenant: string, n: number) =>
      own.run(tenant, (em) =>
        em.transactional(async (tx) => {
          const pids = new Set<number | undefined>();
          for (const id of [n, 100 + n]) {
            tx.create(House, { id, address: tenant });
            await tx.flush();
            pids.add((await tx.execute<{ pid: number }[]>('select pg_backend_pid() as pid'))[0]?.pid);
          }
          if (n % 4 === 0) {
            throw new Error('undone');
          }
          return pids.size;
        }),
      );
    const numbers = [1, 2, 3, 4, 5, 6, 7, 8];
    const outcomes = await Promise.allSettled(IDS.flatMap((id) => numbers.map((n) => write(id, n))));
    const served = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    expect(served.map(({ value }) => value)).toEqual(Array.from({ length: 6 * IDS.length }, () => 1));
    for (const id of IDS) {
      const houses = await own.run(id, (em) => em.find(House, {}, { orderBy: { id: 'asc' } }));
      const whole = [1, 2, 3, 5, 6, 7];
      expect(houses.map((house) => house.id)).toEqual([...whole, ...whole.map((n) => 100 + n)]);
      expect(houses.every(({ address }) => address === id)).toBe(true);
    }
    await own.close();
  });

  it('migrations and their locks go around it, and no statement of requests is prepared by name', async () => {
    await using recorded = await RecordingProxy.start(pooler.url);
    await using direct = await RecordingProxy.start(serverUrl());
    const own = await manager(
      { url: recorded.url, directUrl: direct.url, session: { statementTimeoutMs: 20_000 } },
      { orm: { entities: [House], migrations: { migrationsList, snapshot: false } } },
    );
    await Promise.all(
      IDS.flatMap((id) => [
        own.migrator(id).up(),
        own.run(id, async (em) => {
          em.create(House, { id: 500, address: id });
          await em.flush();
          await em.findOneOrFail(House, { id: 500, address: id });
          await em.transactional((tx) => tx.nativeUpdate(House, { id: 500 }, { address: `${id} again` }));
        }),
      ]),
    );
    expect((await own.migrator('acme').getExecuted()).map(({ name }) => name)).toEqual(names);
    expect(direct.statements.some((text) => text.includes('pg_try_advisory_lock'))).toBe(true);
    expect(recorded.statements.length).toBeGreaterThan(3 * IDS.length);
    expect(
      recorded.statements.filter((text) => /advisory|\blisten\b|\bset (?!local\b)\w+ *(=|to)/i.test(text)),
    ).toEqual([]);
    expect(recorded.statements.filter((text) => /mikro_orm_migrations|create table/.test(text))).toEqual([]);
    // The body of a `P` message begins with the name, which ends with a zero byte.
    expect(recorded.messages.filter(({ type, body }) => type === 'P' && !body.startsWith('\0'))).toEqual([]);
    await own.close();
  });

  it('settings of the session hold in every transaction, and reach no other client of the pooler', async () => {
    const own = await manager({ session: { statementTimeoutMs: 250, lockTimeoutMs: 90 } });
    const settings =
      "select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock";
    const seen = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        own.run('acme', (em) => (n % 2 === 0 ? em.execute(settings) : em.transactional((tx) => tx.execute(settings)))),
      ),
    );
    expect(seen.flat().every(({ statement, lock }) => statement === '250ms' && lock === '90ms')).toBe(true);
    await expect(own.run('acme', (em) => em.execute('select pg_sleep(30)'))).rejects.toThrow(/statement timeout/);
    const others = await Promise.all(
      [1, 2, 3, 4].map(() => asAnother(tenants.databaseOf('acme'), (client) => client.query(settings))),
    );
    expect(others.every(({ rows }) => rows[0].statement === '0' && rows[0].lock === '0')).toBe(true);
    await own.close();
  });

  it('a readonly tenant cannot write, and its session writes for the next client', async () => {
    const catalog = new StaticCatalog(
      tenants.tenants.map((tenant) => (tenant.id === 'globex' ? { ...tenant, status: 'readonly' as const } : tenant)),
    );
    const own = await manager({}, { catalog });
    for (const write of [
      () => own.run('globex', (em) => em.insert(House, { id: 700, address: 'no' })),
      () => own.run('globex', (em) => em.transactional((tx) => tx.insert(House, { id: 700, address: 'no' }))),
      () => own.run('globex', (em) => em.execute("insert into house (id, address) values (700, 'no')")),
    ]) {
      await expect(write()).rejects.toThrow(TenantReadOnlyError);
      const { rowCount } = await asAnother(tenants.databaseOf('globex'), (client) =>
        client.query("update house set address = address || '' where id = 1"),
      );
      expect(rowCount).toBe(1);
    }
    expect(await own.run('globex', (em) => em.count(House, { id: 700 }))).toBe(0);
    await own.run('acme', (em) => em.insert(House, { id: 700, address: 'yes' }));
    await own.close();
  });

  it('the version gate looks through the pooler and migrates around it, also where no list is there yet', async () => {
    const own = await manager(
      { session: { statementTimeoutMs: 5_000 } },
      {
        orm: { entities: [House], migrations: { migrationsList } },
        versionGate: { requires: 'latest', whenBehind: 'migrate' },
      },
    );
    await adminQuery('drop table if exists counter, mikro_orm_migrations', [], tenants.databaseOf('globex'));
    expect(await own.run('globex', (em) => em.execute('select count(*)::int as count from counter'))).toEqual([
      { count: 2 },
    ]);
    expect(await own.migrator('globex').getPending()).toEqual([]);
    await own.close();
  });
});
