import { existsSync } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { type AbstractSqlDriver, PostgreSqlDriver } from '@mikro-orm/postgresql';
import {
  ConnectionBudgetExceededError,
  StaticCatalog,
  TenancyConfigurationError,
  type TenantCatalog,
  TenantConnectionError,
  TenantOrmManager,
  TenantReadOnlyError,
} from 'mikro-orm-multitenancy';
import type { SqliteFiles } from 'mikro-orm-multitenancy/sqlite';
import { House, Person } from '../isolation/entities.ts';
import { until } from '../manager/TestTenants.ts';
import type { FilesWorld } from './FilesWorld.ts';

const person = (id: number) => ({ id, name: 'new' });

interface CaseOptions {
  readonly ids?: readonly string[];
  readonly isFilled?: boolean;
  readonly manager?: {
    readonly catalog?: TenantCatalog;
    readonly maxOpenTenants?: number;
    readonly shareMetadata?: boolean;
  };
  /** How many files may be open at once. */
  readonly most?: number;
  /** Whether a tenant's file is open once. */
  readonly isAlone?: boolean;
  readonly acquireTimeoutMs?: number;
}

export interface FilesCases {
  /** As messages call the kind. */
  readonly name: string;
  readonly databasesOf: (folder: string) => SqliteFiles<AbstractSqlDriver>;
  readonly create: (options: CaseOptions) => Promise<FilesWorld<AbstractSqlDriver>>;
}

/** A manager over a file for each tenant, the same for each library. */
export function describeManager({ name, databasesOf, create }: FilesCases): void {
  describe(`${name}: open files`, () => {
    it('are no more than the limit over all tenants, and all are served', async () => {
      const ids = Array.from({ length: 12 }, (_, n) => `t${n}`);
      await using world = await create({ ids, most: 3, acquireTimeoutMs: 20_000 });
      let most = 0;
      const look = (): void => {
        const { requests } = world.manager.stats().servers['default'] as {
          requests: { open: number; opening: number };
        };
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
      await using world = await create({ isAlone: true, acquireTimeoutMs: 500 });
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

    it('tell of one that is no database, and are served once it is one', async () => {
      await using world = await create({ ids: ['acme'], isFilled: false });
      await writeFile(world.pathOf('acme'), 'this is no database, however long the text may be'.repeat(100));
      await expect(world.manager.run('acme', (em) => em.execute('select 1'))).rejects.toThrow(TenantConnectionError);
      await truncate(world.pathOf('acme'));
      // It is not tried again at once.
      const isServed = () =>
        world.manager
          .run('acme', (em) => em.execute('select 1'))
          .then(
            () => true,
            () => false,
          );
      await until(isServed, 'it is not served');
    });

    it('are closed with the manager, and leave nothing beside the databases', async () => {
      await using world = await create({ ids: ['acme'] });
      const closed: string[] = [];
      world.manager.events.on('connection:closed', ({ tenantId }) => closed.push(tenantId));
      await world.manager.run('acme', (em) => em.count(House));
      await world.manager.close();
      expect(closed).toEqual(['acme']);
      const beside = ['-wal', '-shm', '-journal'].filter((ending) => existsSync(world.pathOf('acme') + ending));
      expect(beside).toEqual([]);
      await expect(world.manager.run('acme', (em) => em.count(House))).rejects.toMatchObject({
        code: 'MANAGER_CLOSED',
      });
    });

    it('are written by many at once, who wait for each other, and none is refused', async () => {
      await using world = await create({ ids: ['acme'], acquireTimeoutMs: 20_000 });
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
      expect(await world.count('acme', 'person')).toBe(43);
      world.assertNothingHeld();
    });

    it('let the rest of the process go on between very many statements', async () => {
      await using world = await create({ ids: ['acme'] });
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

  describe(`${name}: a tenant that is readonly`, () => {
    it('can be read and not be written, whatever the statement is', async () => {
      await using world = await create({ ids: ['acme'] });
      world.setStatus('acme', 'readonly');
      await world.manager.run('acme', async (em) => {
        expect(await em.count(House)).toBe(3);
        await expect(em.insert(Person, person(100))).rejects.toThrow(TenantReadOnlyError);
        await expect(em.execute('pragma main.query_only = off')).rejects.toThrow(TenantReadOnlyError);
        await expect(em.execute('delete from house_tags')).rejects.toThrow(TenantReadOnlyError);
      });
      world.setStatus('acme', 'active');
      await world.manager.run('acme', (em) => em.insert(Person, person(100)));
      expect(await world.count('acme', 'person')).toBe(4);
    });
  });

  describe(`${name}: a manager over files`, () => {
    const catalog = new StaticCatalog([{ id: 'acme', database: 'acme' }]);
    const orm = { entities: [House, Person], discovery: { warnWhenNoEntities: false } };
    const databases = databasesOf('/tmp');

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
      await using world = await create({
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
      await using world = await create({ ids: ['acme'], isFilled: false });
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
      await using world = await create({ ids, manager: { maxOpenTenants: 2 } });
      const evicted: string[] = [];
      world.manager.events.on('tenant:evicted', ({ tenantId, reason }) => evicted.push(`${tenantId} ${reason}`));
      for (const id of [...ids, ...ids]) {
        expect(await world.manager.run(id, (em) => em.count(House))).toBe(3);
      }
      expect(world.manager.stats().handles.open).toBeLessThanOrEqual(2);
      expect(evicted).toContain('a capacity');
    });

    it('gives each tenant metadata of its own where that is asked for', async () => {
      await using world = await create({ manager: { shareMetadata: false } });
      const texts = await world.manager.each(async (em) => (await em.findOneOrFail(House, 1)).address);
      expect(texts.map((one) => (one.ok ? one.value : one.error))).toEqual(['acme house 1', 'globex house 1']);
    });

    it('makes a database once, says whether it is there, and drops it', async () => {
      await using world = await create({ ids: ['acme'], isFilled: false });
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
}
