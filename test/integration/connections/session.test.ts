import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { StaticCatalog, type Tenant, TenantReadOnlyError } from 'mikro-orm-multitenancy';
import { MisdirectingProxy } from '../../support/connections/MisdirectingProxy.ts';
import { adminQuery, serverUrl } from '../../support/databases.ts';
import { House, TestTenants } from '../../support/manager/TestTenants.ts';
import { Migration001Tables } from '../../support/migrations/migrations.ts';

async function collected<R>(rows: AsyncIterable<R>): Promise<R[]> {
  const all: R[] = [];
  for await (const row of rows) {
    all.push(row);
  }
  return all;
}

const ROUTES = ['none', 'transaction'] as const;

describe.each(ROUTES)('the session of a tenant behind the pooler %s', (pooler) => {
  let tenants: TestTenants;
  beforeAll(async () => {
    tenants = await TestTenants.create(['acme', 'globex']);
    await adminQuery("insert into house (address) values ('one'), ('two')", [], tenants.databaseOf('acme'));
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  const server = (session: object) => ({ url: serverUrl(), pooler, session, maxConnectionsPerTenant: 1 });
  const settings =
    "select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock, " +
    "current_setting('idle_in_transaction_session_timeout') as idle";

  it('has the settings in a statement, a transaction, a statement with parameters and a stream', async () => {
    const session = { statementTimeoutMs: 5_000, lockTimeoutMs: 1_500, idleInTransactionTimeoutMs: 70_000 };
    const manager = await tenants.manager({ server: server(session) });
    const expected = { statement: '5s', lock: '1500ms', idle: '70s' };
    const rows = await manager.run('acme', async (em) => [
      ...(await em.execute(settings)),
      ...(await em.transactional((tx) => tx.execute(settings))),
      ...(await em.getKysely().executeQuery(sql`${sql.raw(settings)} where ${1} = 1`.compile(em.getKysely()))).rows,
      ...(await collected(
        em
          .getKysely()
          .selectFrom(sql`(${sql.raw(settings)})`.as('s'))
          .selectAll()
          .stream(1),
      )),
    ]);
    expect(rows).toEqual([expected, expected, expected, expected]);
    expect(manager.stats().servers['default']?.requests).toMatchObject({ idle: 1, inUse: 0, tainted: 0 });
    await manager.close();
  });

  it('cancels a statement that takes too long, and is used again', async () => {
    const manager = await tenants.manager({ server: server({ statementTimeoutMs: 50 }) });
    await expect(manager.run('acme', (em) => em.execute('select pg_sleep(10)'))).rejects.toThrow(/statement timeout/);
    expect(await manager.run('acme', (em) => em.count(House))).toBe(2);
    expect(manager.stats().servers['default']?.requests).toMatchObject({ idle: 1, tainted: 0 });
    await manager.close();
  });

  it('works as usual for entities, streams that fail, batches and savepoints', async () => {
    const manager = await tenants.manager({ server: server({ statementTimeoutMs: 5_000 }) });
    await manager.run('globex', async (em) => {
      em.create(House, { id: 1, address: 'here' });
      await em.flush();
      await expect(
        em.transactional(async (tx) => {
          await tx.transactional((inner) => inner.insert(House, { id: 2, address: 'there' }));
          throw new Error('undone');
        }),
      ).rejects.toThrow('undone');
      await expect(em.execute('select 1 / 0')).rejects.toThrow('division by zero');
      await expect(em.execute('select nowhere')).rejects.toMatchObject({ position: '8' });
      const failing = em.getKysely().selectNoFrom(sql`1 / (3 - generate_series(1, 9))`.as('n')).stream(1);
      await expect(collected(failing)).rejects.toThrow('division by zero');
      const left = em
        .getKysely()
        .selectFrom('pg_class' as never)
        .selectAll()
        .stream(1);
      for await (const _row of left) {
        break;
      }
      await em.execute("begin; insert into house values (3, 'batch'); commit");
      expect(await em.execute('select 1 as a; select 2 as b')).toBeDefined();
      expect(await em.count(House)).toBe(2);
    });
    expect(manager.stats().servers['default']?.requests).toMatchObject({ idle: 1, inUse: 0, tainted: 0 });
    await manager.close();
    await adminQuery('delete from house', [], tenants.databaseOf('globex'));
  });

  it('cannot be written in by a tenant that may only read, in none of the plain ways', async () => {
    const list = tenants.tenants.map((tenant) => ({ ...tenant, status: 'readonly' as const }));
    const manager = await tenants.manager({ server: server({}), catalog: new StaticCatalog(list) });
    const insert = "insert into house (address) values ('forbidden')";
    const ways = [
      insert,
      `begin; ${insert}; commit`,
      `begin read write; ${insert}; commit`,
      `set transaction read write; ${insert}`,
      `set default_transaction_read_only = off; ${insert}`,
      `commit; ${insert}`,
    ];
    for (const way of ways) {
      await expect(manager.run('acme', (em) => em.execute(way))).rejects.toThrow(TenantReadOnlyError);
    }
    const works: ((em: Parameters<Parameters<typeof manager.run>[1]>[0]) => Promise<unknown>)[] = [
      (em) => em.insert(House, { address: 'forbidden' } as never),
      (em) => em.transactional((tx) => tx.insert(House, { address: 'forbidden' } as never)),
      (em) => em.transactional((tx) => tx.execute(`set transaction read write; ${insert}`)),
      (em) =>
        em
          .getKysely()
          .insertInto('house' as never)
          .values({ address: 'forbidden' } as never)
          .execute(),
      (em) =>
        em
          .getKysely()
          .transaction()
          .setAccessMode('read write')
          .execute(async () => {}),
      (em) =>
        em
          .begin()
          .then(() => em.execute('set local transaction_read_only = off'))
          .finally(() => em.rollback()),
      (em) => em.execute("select nextval('house_id_seq')"),
    ];
    for (const work of works) {
      await expect(manager.run('acme', work)).rejects.toThrow(TenantReadOnlyError);
    }
    expect(await manager.run('acme', (em) => em.count(House))).toBe(2);
    expect(manager.stats().servers['default']?.requests).toMatchObject({ inUse: 0 });
    await manager.close();
  });

  it('follows the tenant when its status changes while it is open', async () => {
    let status: 'active' | 'readonly' = 'active';
    const of = (): Tenant => ({ id: 'globex', database: tenants.databaseOf('globex'), status });
    const catalog = {
      find: async () => of(),
      findByDomain: async () => of(),
      list: async () => ({ tenants: [of()], next: undefined }),
    };
    const manager = await tenants.manager({ server: server({}), catalog });
    const write = () => manager.run('globex', (em) => em.insert(House, { id: 9, address: 'nine' }));
    const erase = () => manager.run('globex', (em) => em.nativeDelete(House, { id: 9 }));
    await write();
    await erase();
    status = 'readonly';
    await expect(write()).rejects.toThrow(TenantReadOnlyError);
    status = 'active';
    await write();
    await erase();
    await manager.close();
  });

  it('is not that of migrations, which work on a tenant that may only read', async () => {
    const list = tenants.tenants.map((tenant) => ({ ...tenant, status: 'readonly' as const }));
    const manager = await tenants.manager({
      server: server({ statementTimeoutMs: 1 }),
      catalog: new StaticCatalog(list),
      orm: { entities: [House], migrations: { migrationsList: [Migration001Tables] } },
    });
    expect(await manager.migrator('globex').up()).toHaveLength(1);
    await manager.close();
  });
});

describe('settings that do not reach the server', () => {
  it('are an error that names the pooler', async () => {
    await using tenants = await TestTenants.create(['acme']);
    const [asked, given] = ['-c statement_timeout=5000', '-c statement_timeout=0'];
    await using dropping = await MisdirectingProxy.start(serverUrl(), asked, given);
    const manager = await tenants.manager({ server: { url: dropping.url, session: { statementTimeoutMs: 5_000 } } });
    await expect(manager.run('acme', (em) => em.count(House))).rejects.toThrow(
      /statement_timeout=5000.*`pooler: 'transaction'`|pooler: 'transaction'/,
    );
    await tenants.noSessions();
  });
});
