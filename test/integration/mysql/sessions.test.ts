import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { IsolationLevel } from '@mikro-orm/core';
import { MariaDbDriver } from '@mikro-orm/mariadb';
import type { SqlEntityManager } from '@mikro-orm/mysql';
import {
  TenancyConfigurationError,
  type TenancyEvents,
  TenantConnectionLostError,
  TenantDatabaseMissingError,
  TenantReadOnlyError,
  WrongDatabaseError,
} from 'mikro-orm-multitenancy';
import { House, Person, Tag } from '../../support/isolation/entities.ts';
import { expectServedByKoa } from '../../support/kinds/expectServedByKoa.ts';
import { until } from '../../support/manager/TestTenants.ts';
import { describeWithMariaDb, MariaDb } from '../../support/mysql/MariaDb.ts';
import { MysqlWorld } from '../../support/mysql/MysqlWorld.ts';

const person = (id: number) => ({ id, name: 'new' });

describeWithMariaDb('sessions of MariaDB', () => {
  let server: MariaDb;
  /** One connection for each tenant: whatever stays in a session is the next one's. */
  let world: MysqlWorld;
  beforeAll(async () => {
    server = await MariaDb.start();
    world = await MysqlWorld.create(server, { databases: { maxConnectionsPerTenant: 1 } });
  });
  beforeEach(() => world.reset());
  afterEach(() => world.assertNothingHeld());
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const run = <R>(work: (em: SqlEntityManager) => Promise<R>) => world.manager.run('acme', work as never) as Promise<R>;
  const one = async (sql: string) => (await run((em) => em.execute<unknown[]>(sql)))[0];
  const threads = async () =>
    (await server.sessions()).filter(({ db }) => db === world.databaseOf('acme')).map(({ id }) => id);

  describe('from one lease to the next', () => {
    it.each([
      ['a user variable', 'set @left = 1', 'select @left as `left`', { left: null }],
      ['a user variable of a select', 'select @chosen := 1', 'select @chosen as `left`', { left: null }],
      [
        'a setting',
        "set session group_concat_max_len = 7, time_zone = '+05:00'",
        'select @@group_concat_max_len = 7 as `left`, @@time_zone as zone',
        { left: 0, zone: '+00:00' },
      ],
      [
        'the character set',
        'set names latin1',
        'select @@character_set_client as `left`, @@collation_connection as c',
        { left: 'utf8mb4', c: 'utf8mb4_unicode_ci' },
      ],
      [
        'the mode',
        "set sql_mode = 'ANSI_QUOTES'",
        "select @@sql_mode like '%IGNORE_SPACE%' as spaces, @@sql_mode like '%ANSI%' as `left`",
        { spaces: 1, left: 0 },
      ],
      ['autocommit', 'set autocommit = 0', 'select @@autocommit as `left`', { left: 1 }],
      [
        'the level of the next transaction',
        'set transaction isolation level serializable',
        'select @@tx_isolation as `left`',
        { left: 'REPEATABLE-READ' },
      ],
      ['a lock of its own', "select get_lock('left', 0)", "select is_used_lock('left') as `left`", { left: null }],
    ])('%s does not stay', async (_what, leave, look, expected) => {
      const [before] = await threads();
      await run((em) => em.execute(leave));
      expect(await one(look)).toEqual(expected);
      // The connection is the same one: it was cleaned, not replaced.
      expect(await threads()).toEqual(before === undefined ? [expect.any(Number)] : [before]);
    });

    it('a temporary table, a prepared statement and a lock on a table do not stay', async () => {
      await run((em) => em.execute('create temporary table mine (id int)'));
      await expect(run((em) => em.execute('select * from mine'))).rejects.toThrow("doesn't exist");
      await run((em) => em.execute("prepare mine from 'select 1'"));
      await expect(run((em) => em.execute('execute mine'))).rejects.toThrow('Unknown prepared statement');
      await run((em) => em.execute('lock tables person write'));
      await world.assertNothingHeld();
      await world.rows('acme', "insert into person values (90, 'by somebody else')");
      expect(await run((em) => em.count(House))).toBe(3);
    });

    it('no database, after that was dropped, does not stay: the connection is given up', async () => {
      await using own = await MysqlWorld.create(server, { databases: { maxConnectionsPerTenant: 1 } });
      const tainted: string[] = [];
      own.manager.events.on('connection:tainted', ({ tenantId, transaction }) => {
        tainted.push(`${tenantId} ${transaction}`);
      });
      const database = own.databaseOf('acme');
      await own.manager.run('acme', (em) => em.execute(`drop database ${database}`));
      await own.assertNothingHeld();
      expect(tainted).toEqual(['acme other database']);
      await expect(own.manager.run('acme', (em) => em.count(House))).rejects.toThrow(TenantDatabaseMissingError);
      await own.databases.create(database);
      await own.manager.evict('acme');
      expect(await own.manager.run('acme', (em) => em.execute('select database() as name'))).toEqual([
        { name: database },
      ]);
    });

    it('another database is not chosen in the first place, and nothing is sent there where that was hidden', async () => {
      const other = world.databaseOf('globex');
      const tainted: string[] = [];
      const hear = ({ tenantId, transaction }: TenancyEvents['connection:tainted']) =>
        tainted.push(`${tenantId} ${transaction}`);
      world.manager.events.on('connection:tainted', hear);
      await run(async (em) => {
        await expect(em.execute(`use ${other}`)).rejects.toThrow(TenancyConfigurationError);
        await expect(em.execute(`/*M!100000 use ${other} */`)).rejects.toThrow(TenancyConfigurationError);
        const hidden = em.transactional(async (inner) => {
          await inner.execute(`execute immediate concat('us', 'e ${other}')`).catch(() => {});
          await inner.insert(Person, person(80));
        });
        await expect(hidden).rejects.toThrow(WrongDatabaseError);
      });
      expect(tainted).toEqual(['acme other database']);
      expect(await one('select database() as name')).toEqual({ name: world.databaseOf('acme') });
      expect(await world.people()).toEqual({ acme: 3, globex: 3 });
      world.manager.events.off('connection:tainted', hear);
    });

    it('a transaction does not stay, nor what it wrote', async () => {
      const tainted: string[] = [];
      const hear = ({ tenantId, transaction }: TenancyEvents['connection:tainted']) =>
        tainted.push(`${tenantId} ${transaction}`);
      world.manager.events.on('connection:tainted', hear);
      const [before] = await threads();
      await run((em) => em.execute('begin'));
      await run((em) => em.insert(Person, person(91)));
      expect(await world.count('acme', 'person')).toBe(4);
      expect(tainted).toEqual(['acme T']);
      await run((em) => em.execute('set autocommit = 0'));
      await run((em) => em.insert(Person, person(92)));
      expect(await world.count('acme', 'person')).toBe(5);
      expect(await threads()).not.toContain(before);
      world.manager.events.off('connection:tainted', hear);
    });

    it('rows that nobody has read do not stay', async () => {
      await run((em) => em.execute('create table if not exists many (id int primary key, filler varchar(2000))'));
      await run((em) =>
        em.execute("insert into many select seq, repeat('x', 2000) from seq_1_to_5000 on duplicate key update id = id"),
      );
      await world.assertNothingHeld();
      const [before] = await threads();
      await run(async (em) => {
        const rows = em.getConnection().stream('select * from many');
        for await (const _ of rows) {
          break;
        }
      });
      expect(await one('select 1 as next')).toEqual({ next: 1 });
      await until(async () => !(await threads()).includes(before as number), 'the connection with unread rows is kept');
      let read = 0;
      await run(async (em) => {
        for await (const _ of em.getConnection().stream('select * from many')) {
          read += 1;
        }
      });
      expect(read).toBe(5_000);
    });

    it('plain statements cost no reset', async () => {
      const resets = async () =>
        Number((await server.query<{ Value: string }>("show global status like 'Com_set_option'"))[0]?.Value);
      await run((em) => em.count(House));
      const before = await resets();
      await run((em) =>
        em.transactional(async (inner) => {
          const house = await inner.findOneOrFail(House, 1, { populate: ['owner', 'rooms', 'tags'] });
          house.address = "it's; /* changed */ @ 'home'";
          await inner.transactional(async (nested) => {
            await nested.insert(Person, person(93));
          });
        }),
      );
      await run((em) => em.upsert(Person, person(93)));
      expect(await resets()).toBe(before);
    });
  });

  it('take no second statement, and read no file of this process', async () => {
    await expect(run((em) => em.execute('select 1; delete from person'))).rejects.toThrow('SQL syntax');
    await expect(run((em) => em.execute("load data local infile '/etc/passwd' into table person"))).rejects.toThrow(
      'disabled the local infile',
    );
    expect(await world.count('acme', 'person')).toBe(3);
    const [row] = await run((em) =>
      em
        .getKysely<{ person: { id: number; name: string } }>()
        .selectFrom('person')
        .select('id')
        .where('name', '=', { name: 1 } as never)
        .execute(),
    );
    expect(row).toBeUndefined();
  });

  it('keep texts, times, JSON and large numbers as they are, also after a reset', async () => {
    const listedAt = new Date('2024-03-31T01:30:00.000Z');
    await run((em) => em.execute('set @x = 1'));
    await run(async (em) => {
      em.create(House, { id: 7, address: 'Ünï 🏠 \\ \' "', facts: { deep: [1, 'two', null] }, listedAt });
      await em.flush();
    });
    const house = await run((em) => em.findOneOrFail(House, 7));
    expect(house).toMatchObject({ address: 'Ünï 🏠 \\ \' "', facts: { deep: [1, 'two', null] }, listedAt });
    expect(
      await one('select cast(9007199254740993 as unsigned) as big, current_timestamp() = utc_timestamp() as utc'),
    ).toEqual({
      big: '9007199254740993',
      utc: 1,
    });
    await run((em) => em.nativeDelete(House, { id: 7 }));
  });

  describe('of a tenant that is readonly', () => {
    it('read and do not write, whatever the statement is, and whatever was set before', async () => {
      await using own = await MysqlWorld.create(server, { databases: { maxConnectionsPerTenant: 1 } });
      own.setStatus('acme', 'readonly');
      await own.manager.run('acme', async (em) => {
        expect(await em.count(House)).toBe(3);
        await expect(em.insert(Person, person(100))).rejects.toThrow(TenantReadOnlyError);
        await expect(em.execute('create table other (id int)')).rejects.toThrow(TenantReadOnlyError);
        await expect(em.execute('delete from house_tags')).rejects.toThrow(TenantReadOnlyError);
        for (const way of [
          'set session transaction read write',
          'start transaction read write',
          'set tx_read_only = 0',
          'set @@session.tx_read_only = off',
        ]) {
          await expect(em.execute(way)).rejects.toThrow(TenantReadOnlyError);
        }
        // Hidden, it holds for that lease only.
        await em.execute("execute immediate concat('set session transaction read', ' write')");
        await expect(em.insert(Person, person(100))).rejects.toThrow(TenantReadOnlyError);
        await em.transactional(async (inner) => {
          await expect(inner.insert(Person, person(100))).rejects.toThrow(TenantReadOnlyError);
        });
      });
      own.setStatus('acme', 'active');
      await own.manager.run('acme', (em) => em.insert(Person, person(100)));
      expect(await own.count('acme', 'person')).toBe(4);
    });
  });

  describe('in transactions', () => {
    it('have the isolation level that was asked for, and only then', async () => {
      await using own = await MysqlWorld.create(server, { ids: ['acme'] });
      await own.manager.run('acme', async (em) => {
        const countTwice = (isolationLevel: IsolationLevel) =>
          em.transactional(
            async (inner) => {
              const before = await inner.count(Person);
              await own.manager.run('acme', (other) => other.insert(Person, person(200 + before)));
              inner.clear();
              return (await inner.count(Person)) - before;
            },
            { isolationLevel },
          );
        expect(await countTwice(IsolationLevel.READ_COMMITTED)).toBe(1);
        expect(await countTwice(IsolationLevel.REPEATABLE_READ)).toBe(0);
        expect(await em.transactional((inner) => inner.count(Person), { readOnly: true })).toBe(5);
        await expect(
          em.transactional((inner) => inner.insert(Person, person(300)), { readOnly: true }),
        ).rejects.toThrow('READ ONLY transaction');
      });
      await own.assertNothingHeld();
    });

    it('undo to a savepoint, and give the lock of a row back', async () => {
      await using own = await MysqlWorld.create(server, { ids: ['acme'] });
      await own.manager.run('acme', (em) =>
        em.transactional(async (outer) => {
          await outer.insert(Person, person(100));
          const nested = outer.transactional(async (inner) => {
            await inner.insert(Person, person(101));
            throw new Error('undo the nested one');
          });
          await expect(nested).rejects.toThrow('undo the nested one');
          await outer.transactional((inner) => inner.insert(Person, person(102)));
        }),
      );
      expect(await own.rows('acme', 'select id from person where id >= 100 order by id')).toEqual([
        { id: 100 },
        { id: 102 },
      ]);
    });
  });

  describe('whose caller goes away', () => {
    it('are given up by a signal: the statement is cancelled, or ended with its session', async () => {
      const said = jest.spyOn(console, 'error').mockImplementation(() => {});
      await using own = await MysqlWorld.create(server, { ids: ['acme'] });
      const sleeping = () =>
        server.query("select id from information_schema.processlist where info like 'select sleep(__)%'");
      for (const inflightQueryAbortStrategy of ['cancel query', 'kill session'] as const) {
        const caller = new AbortController();
        const work = own.manager.run('acme', (em) =>
          em.fork({ signal: caller.signal, inflightQueryAbortStrategy } as never).execute('select sleep(60)'),
        );
        const refused = expect(work).rejects.toBeDefined();
        await until(async () => (await sleeping()).length === 1, 'the statement has not begun');
        caller.abort(new Error('gone'));
        await refused;
        await until(async () => (await sleeping()).length === 0, `${inflightQueryAbortStrategy} left the statement`);
      }
      await own.assertNothingHeld();
      // Kysely says so of what nobody waits for any more.
      expect(said.mock.calls.flat()).toEqual([
        expect.stringContaining('was interrupted'),
        expect.stringContaining('its connection was lost'),
      ]);
      said.mockRestore();
      expect(await own.manager.run('acme', (em) => em.count(House))).toBe(3);
      await own.assertNothingHeld();
    });

    it('leave the line of those who wait', async () => {
      const caller = new AbortController();
      await run((em) =>
        em.transactional(async (inner) => {
          await inner.count(House);
          const waiting = world.manager.run('acme', (other) => other.count(House), { signal: caller.signal });
          const refused = expect(waiting).rejects.toThrow('gone');
          await until(async () => world.manager.stats().servers['default']?.requests.waiting === 1, 'nobody waits');
          caller.abort(new Error('gone'));
          await refused;
        }),
      );
    });
  });

  it('that an administrator kills, idle or at work, are replaced, and no other tenant sees anything', async () => {
    await using own = await MysqlWorld.create(server);
    const ofAcme = async () =>
      (await server.sessions()).filter(({ db }) => db === own.databaseOf('acme')).map(({ id }) => id);
    await own.manager.run('acme', (em) => em.count(House));
    for (const id of await ofAcme()) {
      await server.query(`kill ${id}`);
    }
    await until(
      async () => own.manager.stats({ tenants: true }).servers['default']?.tenants?.['acme']?.open === 0,
      'the dead ones are kept',
    );
    expect(await own.manager.run('acme', (em) => em.count(House))).toBe(3);

    const other = own.manager.run('globex', (em) => em.execute<{ n: number }[]>('select sleep(0.3) + 3 as n'));
    const atWork = expect(own.manager.run('acme', (em) => em.execute('select sleep(60)'))).rejects.toMatchObject({
      name: 'TenantConnectionLostError',
      ...{ code: 'TENANT_CONNECTION_LOST', status: 503, tenantId: 'acme' },
    });
    await until(
      async () =>
        (await server.query("select id from information_schema.processlist where info = 'select sleep(60)'")).length ===
        1,
      'it has not begun',
    );
    for (const id of await ofAcme()) {
      await server.query(`kill ${id}`);
    }
    await atWork;
    expect(await other).toEqual([{ n: 3 }]);

    const inTransaction = own.manager.run('acme', (em) =>
      em.transactional(async (inner) => {
        await inner.insert(Person, person(100));
        const [id] = await ofAcme();
        await server.query(`kill ${id}`);
        await inner.insert(Person, person(101));
      }),
    );
    await expect(inTransaction).rejects.toThrow(TenantConnectionLostError);
    const streamed = own.manager.run('acme', async (em) => {
      for await (const _ of em.getConnection().stream("select seq, repeat('x', 2000) as filler from seq_1_to_20000")) {
        for (const id of await ofAcme()) {
          await server.query(`kill ${id}`).catch(() => {});
        }
      }
    });
    await expect(streamed).rejects.toThrow(TenantConnectionLostError);
    expect(await own.people()).toEqual({ acme: 3, globex: 3 });
    expect(await own.manager.run('acme', (em) => em.count(Person))).toBe(3);
    await own.assertNothingHeld();
  });

  it("are MikroORM's driver of MariaDB's as well", async () => {
    await using own = await MysqlWorld.create(server, { orm: { driver: MariaDbDriver } });
    for (const id of ['acme', 'globex']) {
      await own.manager.run(id, async (em) => {
        const house = await em.findOneOrFail(House, 1, { populate: ['owner', 'tags'] });
        expect([house.address, house.owner?.name, house.facts]).toEqual([
          `${id} house 1`,
          `${id} person 1`,
          { rooms: [1, 2] },
        ]);
        house.facts = { text: '"5"' };
        await em.flush();
        em.clear();
        expect((await em.findOneOrFail(House, 1)).facts).toEqual({ text: '"5"' });
        const tag = em.create(Tag, { id: 9, name: `${id} made` });
        await em.flush();
        expect(tag.id).toBe(9);
        const other = own.databaseOf(id === 'acme' ? 'globex' : 'acme');
        await expect(em.find(House, {}, { schema: other })).rejects.toThrow('names another database');
      });
    }
  });

  it("serve each tenant its own rows behind Koa, by MikroORM's own EntityManager and by manager.em", async () => {
    await using own = await MysqlWorld.create(server, { databases: { acquireTimeoutMs: 20_000 } });
    await expectServedByKoa(own, 5);
  });
});
