import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SqliteDriver } from '@mikro-orm/sqlite';
import { CompiledQuery } from 'kysely';
import {
  ConnectionBudgetExceededError,
  StaticCatalog,
  TenancyConfigurationError,
  type TenancyEvents,
  TenantConnectionError,
  TenantDatabaseMissingError,
  TenantOrmManager,
  WrongDatabaseError,
} from 'mikro-orm-multitenancy';
import { mysqlDatabases } from 'mikro-orm-multitenancy/mysql';
import { MisdirectingProxy } from '../../support/connections/MisdirectingProxy.ts';
import { StallingProxy } from '../../support/connections/StallingProxy.ts';
import { entities, House, Person } from '../../support/isolation/entities.ts';
import { until } from '../../support/manager/TestTenants.ts';
import { APP, describeWithMariaDb, MariaDb } from '../../support/mysql/MariaDb.ts';
import { MysqlWorld } from '../../support/mysql/MysqlWorld.ts';
import { freePort } from '../../support/postgres.ts';

describeWithMariaDb('connections to MariaDB', () => {
  let server: MariaDb;
  beforeAll(async () => {
    server = await MariaDb.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('are no more than the limit over all tenants, the server says, and all are served', async () => {
    const ids = Array.from({ length: 8 }, (_, n) => `t${n}`);
    await using world = await MysqlWorld.create(server, {
      ids,
      databases: { maxConnections: 5, reservedConnections: 2, maxConnectionsPerTenant: 2, acquireTimeoutMs: 20_000 },
    });
    let most = 0;
    let isOver = false;
    const sampled = (async () => {
      while (!isOver) {
        most = Math.max(most, (await server.sessions()).length);
      }
    })();
    const found = await Promise.all(
      ids.flatMap((id) =>
        Array.from({ length: 6 }, (_, n) =>
          world.manager.run(id, async (em) => {
            const [house] = await em.find(House, {}, { orderBy: { id: 1 } });
            await (n === 0 ? em.execute('set @changed = 1') : em.insert(Person, { id: 100 + n, name: 'new' }));
            return house?.address === `${id} house 1`;
          }),
        ),
      ),
    );
    isOver = true;
    await sampled;
    expect(found.every(Boolean)).toBe(true);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(3);
    expect(world.manager.stats().servers['default']?.requests).toMatchObject({ limit: 3, refused: 0 });
    await world.assertNothingHeld();
  });

  it('that do not come free in time are an error of this tenant alone', async () => {
    await using world = await MysqlWorld.create(server, {
      databases: { maxConnectionsPerTenant: 1, acquireTimeoutMs: 100 },
    });
    await world.manager.run('acme', (outer) =>
      outer.transactional(async (em) => {
        await em.count(House);
        await expect(world.manager.run('acme', (inner) => inner.count(House))).rejects.toThrow(
          ConnectionBudgetExceededError,
        );
        expect(await world.manager.run('globex', (inner) => inner.count(House))).toBe(3);
      }),
    );
    await world.assertNothingHeld();
  });

  it('are closed when they were idle for long, when another tenant needs the room, and with the manager', async () => {
    await using world = await MysqlWorld.create(server, {
      databases: { maxConnections: 2, reservedConnections: 1, idleTimeoutMs: 150 },
    });
    const reasons: string[] = [];
    world.manager.events.on('connection:closed', ({ reason }) => reasons.push(reason));
    for (const id of ['acme', 'globex']) {
      await world.manager.run(id, (em) => em.count(House));
    }
    await until(async () => reasons.includes('stolen') && reasons.includes('idle'), 'no room was made');
    await world.manager.run('acme', (em) => em.count(House));
    await world.manager.close();
    expect(reasons.at(-1)).toBe('ended');
    await expect(world.manager.run('acme', (em) => em.count(House))).rejects.toMatchObject({ code: 'MANAGER_CLOSED' });
  });

  it('are tried before they are used when they were idle for long, and replaced when nobody answers on them', async () => {
    await using world = await MysqlWorld.create(server, { ids: ['acme'] });
    await using proxy = await StallingProxy.start(server.urlOf());
    const manager = await world.another({ databases: { url: proxy.url, checkAfterIdleMs: 1 } });
    const closed: string[] = [];
    manager.events.on('connection:closed', ({ reason }) => closed.push(reason));
    expect(await manager.run('acme', (em) => em.count(House))).toBe(3);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await manager.run('acme', (em) => em.count(House))).toBe(3);
    expect(closed).toEqual([]);
    proxy.stallOpen();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await manager.run('acme', (em) => em.count(House))).toBe(3);
    expect(closed).toEqual(['broken']);
    await manager.close();
  });

  it('that cannot be cleaned, since nobody answers, are given up, and keep no room', async () => {
    await using world = await MysqlWorld.create(server, { ids: ['acme'] });
    await using proxy = await StallingProxy.start(server.urlOf());
    const manager = await world.another({
      databases: { url: proxy.url, maxConnectionsPerTenant: 1, acquireTimeoutMs: 10_000 },
    });
    const closed: string[] = [];
    manager.events.on('connection:closed', ({ reason }) => closed.push(reason));
    await manager.run('acme', (em) =>
      em
        .getKysely()
        .connection()
        .execute(async (connection) => {
          await connection.executeQuery(CompiledQuery.raw('set @left = 1'));
          proxy.stallOpen();
        }),
    );
    expect(await manager.run('acme', (em) => em.execute('select @left as `left`'))).toEqual([{ left: null }]);
    expect(closed).toEqual(['not reusable']);
    await manager.close();
  });

  it('that reach another database are given up before anything is sent on them', async () => {
    await using world = await MysqlWorld.create(server, { ids: ['aaaa', 'bbbb'] });
    const [asked, given] = [world.databaseOf('aaaa'), world.databaseOf('bbbb')];
    await using proxy = await MisdirectingProxy.start(server.urlOf(), asked, given, (startup) =>
      Buffer.from(startup.toString('latin1').replace(asked, given), 'latin1'),
    );
    const manager = await world.another({ databases: { url: proxy.url } });
    await expect(manager.run('aaaa', (em) => em.count(House))).rejects.toThrow(WrongDatabaseError);
    expect(await manager.run('bbbb', (em) => em.count(House))).toBe(3);
    await manager.close();
  });

  describe('that cannot be opened', () => {
    let world: MysqlWorld;
    beforeAll(async () => {
      world = await MysqlWorld.create(server);
      await server.query(`create user few@'%' identified by 'few' with max_user_connections 1`);
      await server.query(`grant all on ${world.databaseOf('acme')}.* to few@'%'`);
    });
    afterAll(() => world[Symbol.asyncDispose]());

    it('for an account that is not let in say so, without its password', async () => {
      const manager = await world.another({ databases: { url: server.urlOf({ password: 'wrong-secret' }) } });
      const work = manager.run('acme', (em) => em.count(House));
      await expect(work).rejects.toThrow(TenantConnectionError);
      await expect(work).rejects.toThrow('Access denied');
      await expect(work).rejects.not.toThrow('wrong-secret');
      // It is no sign of a server that is down.
      expect(manager.stats().servers['default']?.breakers).toEqual({ primary: 'closed' });
      await manager.close();
    });

    it('for an account without rights to the database say so, and an account of one database reaches no other', async () => {
      const manager = await world.another({
        databases: { url: server.urlOf({ user: 'few', password: 'few' }) },
      });
      await expect(manager.run('globex', (em) => em.count(House))).rejects.toThrow(TenantConnectionError);
      await manager.run('acme', async (em) => {
        const hidden = `select * from house, ${world.databaseOf('globex')}.person`;
        await expect(em.execute(hidden)).rejects.toThrow('denied');
      });
      await manager.close();
    });

    it('because the account has too many say so, and wait for those of this process', async () => {
      const url = server.urlOf({ user: 'few', password: 'few' });
      const manager = await world.another({ databases: { url } });
      const other = await world.another({ databases: { url, acquireTimeoutMs: 300 } });
      await manager.run('acme', (outer) =>
        outer.transactional(async (em) => {
          await em.count(House);
          await expect(other.run('acme', (inner) => inner.count(House))).rejects.toThrow(
            'lower `maxConnections` of every process',
          );
        }),
      );
      // Two at once in one process: the second one waits, since the first will come free.
      const counts = await Promise.all([1, 2, 3].map(() => manager.run('acme', (em) => em.count(House))));
      expect(counts).toEqual([3, 3, 3]);
      await Promise.all([manager.close(), other.close()]);
    });

    it('because the database is missing say so', async () => {
      const [tenant] = world.tenants;
      const manager = await TenantOrmManager.init({
        databases: mysqlDatabases({ url: server.urlOf() }),
        catalog: new StaticCatalog([{ id: 'acme', database: `${tenant?.database}-not` }]),
        orm: { entities },
      });
      await expect(manager.run('acme', (em) => em.execute('select 1'))).rejects.toThrow(TenantDatabaseMissingError);
      await manager.close();
    });

    it('because nobody answers say so within the time for it, and open the breaker', async () => {
      const silent: Server = createServer(() => {}).listen(0, '127.0.0.1');
      await new Promise((resolve) => {
        silent.once('listening', resolve);
      });
      const address = silent.address();
      const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
      const manager = await world.another({
        databases: { url: server.urlOf({ port }), connectTimeoutMs: 100, reservedConnections: 1, maxConnections: 5 },
      });
      const down: TenancyEvents['server:down'][] = [];
      manager.events.on('server:down', (event) => down.push(event));
      for (let n = 0; n < 3; n += 1) {
        await expect(manager.run(n === 1 ? 'globex' : 'acme', (em) => em.count(House))).rejects.toThrow(
          TenantConnectionError,
        );
      }
      expect(down).toMatchObject([{ server: 'default', route: 'primary' }]);
      expect(manager.stats().servers['default']?.breakers).toEqual({ primary: 'open' });
      await manager.close();
      silent.close();
    });

    it('because there is no server say so', async () => {
      const manager = await world.another({ databases: { url: server.urlOf({ port: await freePort() }) } });
      await expect(manager.run('acme', (em) => em.count(House))).rejects.toThrow('ECONNREFUSED');
      await manager.close();
    });

    it('because the password cannot be had say so, and use the one of now', async () => {
      let password: () => string = () => {
        throw new Error('the safe is shut');
      };
      const manager = await world.another({
        databases: { url: `mysql://${APP.user}@127.0.0.1:${server.port}`, password: () => password() },
      });
      await expect(manager.run('acme', (em) => em.count(House))).rejects.toThrow('the function `password`');
      password = () => APP.password;
      await manager.evict('acme');
      expect(await manager.run('acme', (em) => em.count(House))).toBe(3);
      await manager.close();
    });
  });

  it('come back by themselves after the server was restarted', async () => {
    await using own = await MariaDb.start();
    await using world = await MysqlWorld.create(own);
    const events: string[] = [];
    world.manager.events.on('server:down', () => events.push('down'));
    world.manager.events.on('server:up', () => events.push('up'));
    expect(await world.manager.run('acme', (em) => em.count(House))).toBe(3);
    await own.stop();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, () => world.manager.run('acme', (em) => em.count(House))),
    );
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['rejected']));
    await own.restart();
    await until(
      () =>
        world.manager
          .run('globex', (em) => em.count(House))
          .then(
            (count) => count === 3,
            () => false,
          ),
      'the server is not used again',
    );
    await until(
      () =>
        world.manager
          .run('acme', (em) => em.count(House))
          .then(
            (count) => count === 3,
            () => false,
          ),
      'the tenant is not served again',
    );
    expect(events).toEqual(['down', 'up']);
    await world.assertNothingHeld();
  });

  it('make a database once, say whether it is there, and drop it while this process does not have it open', async () => {
    await using world = await MysqlWorld.create(server, { ids: ['acme'] });
    const { databases } = world;
    const database = world.databaseOf('acme');
    expect(await databases.exists(database)).toBe(true);
    await expect(databases.create(database)).rejects.toThrow('exists already');
    await databases.create('fresh-one');
    expect(await databases.exists('fresh-one')).toBe(true);
    const [made] = await server.query<{ charset: string }>(
      "select default_character_set_name as charset from information_schema.schemata where schema_name = 'fresh-one'",
    );
    expect(made).toEqual({ charset: 'utf8mb4' });
    await databases.drop('fresh-one');
    await databases.drop('fresh-one');
    expect(await databases.exists('fresh-one')).toBe(false);
    await world.manager.run('acme', (em) => em.count(House));
    await expect(databases.drop(database)).rejects.toThrow('is open in this process');
    await world.manager.evict('acme');
    await databases.drop(database);
    for (const name of ['../other', '', 'A', 'a.b', 'mysql', 'a`; drop database x; --']) {
      await expect(databases.create(name)).rejects.toThrow(TenancyConfigurationError);
      await expect(databases.exists(name)).rejects.toThrow(TenancyConfigurationError);
      await expect(databases.drop(name)).rejects.toThrow(TenancyConfigurationError);
    }
    const refused = mysqlDatabases({ url: server.urlOf({ password: 'wrong-secret' }) });
    await expect(refused.create('never')).rejects.toThrow('cannot be created: Access denied');
  });

  it('are not had by what PostgreSQL alone has, which says what to use instead', async () => {
    await using world = await MysqlWorld.create(server, { ids: ['acme'], isFilled: false });
    const { manager } = world;
    await expect(manager.provision({ id: 'new' } as never)).rejects.toThrow('`manager.provision()` needs PostgreSQL');
    await expect(manager.drop('acme')).rejects.toThrow('databases.drop(name)');
    await expect(manager.operations()).rejects.toThrow('`manager.operations.list()` needs PostgreSQL');
    await expect(manager.fleet.migrate()).rejects.toThrow('manager.each(');
    expect(() => manager.central).toThrow(TenancyConfigurationError);
  });
});

describe('a manager over MySQL', () => {
  const catalog = new StaticCatalog([
    { id: 'acme', database: 'acme' },
    { id: 'upper', database: 'ACME' },
    { id: 'system', database: 'mysql' },
    { id: 'elsewhere', database: 'acme', server: 'eu' },
  ]);
  const orm = { entities };
  const databases = mysqlDatabases({ url: 'mysql://localhost' });

  it.each([
    ["`server` needs PostgreSQL, and the tenants' databases are of MySQL", { server: 'postgresql://localhost' }],
    ['`servers`', { servers: { a: 'postgresql://localhost' } }],
    ['`central`', { central: { database: 'x' } }],
    ['`provisioning`', { provisioning: {} }],
    ['`roles`', { roles: {} }],
    ['`sqlComment`', { sqlComment: true }],
    ['`orm.pool`', { orm: { ...orm, pool: { max: 3 } } }],
    ['`orm.replicas`', { orm: { ...orm, replicas: [{}] } }],
    ['`orm.dbName`', { orm: { ...orm, dbName: 'x' } }],
    ['`orm.multipleStatements`', { orm: { ...orm, multipleStatements: true } }],
    ['`orm.driver` is not that of MySQL', { orm: { ...orm, driver: SqliteDriver } }],
  ])('refuses at init: %s', async (named, options) => {
    const init = TenantOrmManager.init({ databases, catalog, orm, ...options } as never);
    await expect(init).rejects.toThrow(TenancyConfigurationError);
    await expect(init).rejects.toThrow(named);
  });

  it('refuses tenants whose database has a name that is none, or that name a server', async () => {
    const manager = await TenantOrmManager.init({ databases, catalog, orm });
    for (const id of ['upper', 'system', 'elsewhere']) {
      await expect(manager.run(id, () => 1)).rejects.toThrow(TenancyConfigurationError);
      await expect(manager.migrator(id).getPending()).rejects.toThrow(TenancyConfigurationError);
    }
    await manager.close();
  });
});
