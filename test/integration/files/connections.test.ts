import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import {
  ConnectionBudgetExceededError,
  StaticCatalog,
  TenancyConfigurationError,
  TenantBusyError,
  TenantConnectionError,
  TenantOrmManager,
  TenantReadOnlyError,
} from 'mikro-orm-multitenancy';
import { KINDS } from '../../support/files/kinds.ts';
import { SqliteWorld } from '../../support/files/SqliteWorld.ts';
import { House, Person } from '../../support/isolation/entities.ts';

const person = (id: number) => ({ id, name: 'new' });

describe.each(KINDS)('%s: open files', (_name, kind) => {
  it('are no more than the limit over all tenants, and all are served', async () => {
    const ids = Array.from({ length: 12 }, (_, n) => `t${n}`);
    await using world = await SqliteWorld.create({
      kind,
      ids,
      files: { maxConnections: 3, maxConnectionsPerTenant: 2, acquireTimeoutMs: 20_000 },
    });
    let most = 0;
    const look = (): void => {
      const { requests } = world.manager.stats().servers['default'] as { requests: { open: number; opening: number } };
      most = Math.max(most, requests.open + requests.opening);
    };
    world.manager.events.on('connection:opened', look);
    const found = await Promise.all(
      ids.flatMap((id) =>
        Array.from({ length: 5 }, () =>
          world.manager.run(id, async (em) => {
            const [house] = await em.find(House, {}, { orderBy: { id: 1 } });
            look();
            return house?.address === `${id} house 1`;
          }),
        ),
      ),
    );
    expect(found.every(Boolean)).toBe(true);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(3);
    world.assertNothingHeld();
  });

  it('that do not come free in time are an error of this tenant alone', async () => {
    await using world = await SqliteWorld.create({
      kind,
      files: { maxConnectionsPerTenant: 1, acquireTimeoutMs: 100 },
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
    world.assertNothingHeld();
  });

  it('are closed with the manager, and leave nothing beside the databases', async () => {
    await using world = await SqliteWorld.create({ kind, ids: ['acme'] });
    const closed: string[] = [];
    world.manager.events.on('connection:closed', ({ tenantId }) => closed.push(tenantId));
    await world.manager.run('acme', (em) => em.count(House));
    await world.manager.close();
    expect(closed).toEqual(['acme']);
    expect(existsSync(`${world.pathOf('acme')}-wal`)).toBe(false);
    await expect(world.manager.run('acme', (em) => em.count(House))).rejects.toMatchObject({ code: 'MANAGER_CLOSED' });
  });

  it('tell of a file that is no database, and serve it once it is one', async () => {
    await using world = await SqliteWorld.create({ kind, ids: ['acme'], isFilled: false });
    await writeFile(world.pathOf('acme'), 'this is no database, however long the text may be'.repeat(100));
    await expect(world.manager.run('acme', (em) => em.execute('select 1'))).rejects.toThrow(TenantConnectionError);
  });
});

describe.each(KINDS)('%s: those who write to one file', (_name, kind) => {
  it('wait for each other, in one process, and none is refused', async () => {
    await using world = await SqliteWorld.create({ kind, ids: ['acme'], files: { lockTimeoutMs: 20_000 } });
    await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        world.manager.run<unknown>('acme', (em) =>
          n % 2 === 0
            ? em.insert(Person, person(100 + n))
            : em.transactional(async (inner) => {
                await inner.count(Person);
                await new Promise((resolve) => setImmediate(resolve));
                await inner.insert(Person, person(100 + n));
              }),
        ),
      ),
    );
    expect(world.count('acme', 'person')).toBe(43);
    world.assertNothingHeld();
  });

  it('do not keep readers, or other tenants, waiting', async () => {
    await using world = await SqliteWorld.create({ kind });
    await world.manager.run('acme', (outer) =>
      outer.transactional(async (em) => {
        await em.insert(Person, person(100));
        expect(await world.manager.run('acme', (inner) => inner.count(Person))).toBe(3);
        await world.manager.run('globex', (inner) => inner.insert(Person, person(100)));
      }),
    );
    expect([world.count('acme', 'person'), world.count('globex', 'person')]).toEqual([4, 4]);
  });

  it('wait for another process, which holds nobody else up, and are told when it takes too long', async () => {
    await using world = await SqliteWorld.create({ kind, files: { lockTimeoutMs: 150 } });
    let ticks = 0;
    const other = world.kind.open(world.pathOf('acme'), 0);
    try {
      other.prepare('begin immediate').run([]);
      const ticking = setInterval(() => {
        ticks += 1;
      }, 5);
      await expect(world.manager.run('acme', (em) => em.insert(Person, person(100)))).rejects.toThrow(TenantBusyError);
      await expect(
        world.manager.run('acme', (em) => em.transactional((inner) => inner.insert(Person, person(101)))),
      ).rejects.toMatchObject({ code: 'TENANT_BUSY', status: 503, tenantId: 'acme' });
      clearInterval(ticking);
      expect(ticks).toBeGreaterThan(10);
      expect(await world.manager.run('acme', (em) => em.count(Person))).toBe(3);
      const late = world.manager.run('acme', (em) => em.insert(Person, person(102)));
      setTimeout(() => other.prepare('commit').run([]), 20);
      await late;
    } finally {
      other.close();
    }
    expect(world.count('acme', 'person')).toBe(4);
    world.assertNothingHeld();
  });

  it('let the rest of the process go on between very many statements', async () => {
    await using world = await SqliteWorld.create({ kind, ids: ['acme'] });
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    await world.manager.run('acme', async (em) => {
      const until = performance.now() + 200;
      while (performance.now() < until) {
        await em.execute('select 1');
      }
    });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(4);
  });
});

describe.each(KINDS)('%s: a tenant that is readonly', (_name, kind) => {
  it('can be read and not be written, whatever the statement is', async () => {
    await using world = await SqliteWorld.create({ kind, ids: ['acme'] });
    world.setStatus('acme', 'readonly');
    await world.manager.run('acme', async (em) => {
      expect(await em.count(House)).toBe(3);
      await expect(em.insert(Person, person(100))).rejects.toThrow(TenantReadOnlyError);
      await expect(em.execute('pragma main.query_only = off')).rejects.toThrow(TenantReadOnlyError);
      await expect(em.execute('delete from house_tags')).rejects.toThrow(TenantReadOnlyError);
    });
    world.setStatus('acme', 'active');
    await world.manager.run('acme', (em) => em.insert(Person, person(100)));
    expect(world.count('acme', 'person')).toBe(4);
  });
});

describe.each(KINDS)('%s: the options of its databases', (_name, kind) => {
  it.each([
    [{}, 'folder'],
    [{ folder: '' }, 'folder'],
    [{ folder: ':memory:' }, ':memory:'],
    [{ folder: 'file:///tmp' }, 'path of a folder'],
    [{ folder: 'a\0b' }, 'path of a folder'],
    [{ folder: '/tmp', maxConnections: 0 }, 'maxConnections'],
    [{ folder: '/tmp', lockTimeoutMs: 1.5 }, 'lockTimeoutMs'],
    [{ folder: '/tmp', url: 'x' }, 'url'],
  ])('refuses %j', (options, named) => {
    if (named === ':memory:') {
      // A folder of that name, however odd, is one.
      expect(() => kind.databasesOf(options as never)).not.toThrow();
      return;
    }
    expect(() => kind.databasesOf(options as never)).toThrow(TenancyConfigurationError);
    expect(() => kind.databasesOf(options as never)).toThrow(named);
  });

  it('makes a database once, says whether it is there, and drops it', async () => {
    await using world = await SqliteWorld.create({ kind, ids: ['acme'], isFilled: false });
    const { databases } = world;
    expect(await databases.exists('acme_db')).toBe(true);
    await expect(databases.create('acme_db')).rejects.toThrow('exists already');
    expect(await databases.exists('other')).toBe(false);
    await databases.drop('other');
    for (const name of ['../other', '', 'A', 'a.b']) {
      await expect(databases.create(name)).rejects.toThrow(TenancyConfigurationError);
      await expect(databases.exists(name)).rejects.toThrow(TenancyConfigurationError);
      await expect(databases.drop(name)).rejects.toThrow(TenancyConfigurationError);
    }
  });
});

describe.each(KINDS)('%s: a manager over files', (name, kind) => {
  const catalog = new StaticCatalog([{ id: 'acme', database: 'acme' }]);
  const orm = { entities: [House, Person], discovery: { warnWhenNoEntities: false } };
  const databases = kind.databasesOf({ folder: '/tmp' });

  it.each([
    [{ server: 'postgresql://localhost' }, "`server` needs PostgreSQL, and the tenants' databases are of SQLite"],
    [{ servers: { a: 'postgresql://localhost' } }, '`servers`'],
    [{ central: { database: 'x' } }, '`central`'],
    [{ provisioning: {} }, '`provisioning`'],
    [{ roles: {} }, '`roles`'],
    [{ sqlComment: true }, '`sqlComment`'],
    [{ databases: { kind: 'SQLite' } }, 'databases'],
    [{ orm: { ...orm, pool: { max: 3 } } }, '`orm.pool`'],
    [{ orm: { ...orm, attachDatabases: [] } }, '`orm.attachDatabases`'],
    [{ orm: { ...orm, dbName: 'x' } }, '`orm.dbName`'],
    [{ orm: { ...orm, driver: PostgreSqlDriver } }, '`orm.driver` is not that of SQLite'],
  ])('refuses %j', async (options, named) => {
    const init = TenantOrmManager.init({ databases, catalog, orm, ...options } as never);
    await expect(init).rejects.toThrow(TenancyConfigurationError);
    await expect(init).rejects.toThrow(named.replace('SQLite', name));
  });

  it('refuses tenants whose database is no file of the folder, or that name a server', async () => {
    await using world = await SqliteWorld.create({
      kind,
      ids: ['acme'],
      manager: {
        catalog: new StaticCatalog([
          { id: 'up', database: '../up' },
          { id: 'root', database: '/etc/passwd' },
          { id: 'upper', database: 'ACME_DB' },
          { id: 'elsewhere', database: 'acme_db', server: 'eu' },
        ]),
      },
      isFilled: false,
    });
    for (const id of ['up', 'root', 'upper', 'elsewhere']) {
      await expect(world.manager.run(id, () => 1)).rejects.toThrow(TenancyConfigurationError);
      await expect(world.manager.migrator(id).getPending()).rejects.toThrow(TenancyConfigurationError);
    }
  });

  it('says of what PostgreSQL alone has what to use instead', async () => {
    await using world = await SqliteWorld.create({ kind, ids: ['acme'], isFilled: false });
    const { manager } = world;
    await expect(manager.provision({ id: 'new' } as never)).rejects.toThrow('`manager.provision()` needs PostgreSQL');
    await expect(manager.drop('acme')).rejects.toThrow('databases.drop(name)');
    await expect(manager.suspend('acme')).rejects.toThrow(TenancyConfigurationError);
    await expect(manager.operations()).rejects.toThrow('`manager.operations.list()` needs PostgreSQL');
    await expect(manager.fleet.migrate()).rejects.toThrow('`manager.fleet.migrate()` needs PostgreSQL');
    await expect(manager.fleet.status()).rejects.toThrow('manager.each(');
    expect(() => manager.central).toThrow(TenancyConfigurationError);
    expect(manager.hasCentral).toBe(false);
  });

  it('closes the tenants used least recently above its limit, and opens them again', async () => {
    const ids = ['a', 'b', 'c', 'd'];
    await using world = await SqliteWorld.create({ kind, ids, manager: { maxOpenTenants: 2 } });
    const evicted: string[] = [];
    world.manager.events.on('tenant:evicted', ({ tenantId, reason }) => evicted.push(`${tenantId} ${reason}`));
    for (const id of [...ids, ...ids]) {
      expect(await world.manager.run(id, (em) => em.count(House))).toBe(3);
    }
    expect(world.manager.stats().handles.open).toBeLessThanOrEqual(2);
    expect(evicted).toContain('a capacity');
  });

  it('gives each tenant metadata of its own where that is asked for', async () => {
    await using world = await SqliteWorld.create({ kind, manager: { shareMetadata: false } });
    const texts = await world.manager.each(async (em) => (await em.findOneOrFail(House, 1)).address);
    expect(texts.map((one) => (one.ok ? one.value : one.error))).toEqual(['acme house 1', 'globex house 1']);
  });
});
