import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { RequestContext } from '@mikro-orm/core';
import type { PgliteDriver } from '@mikro-orm/pglite';
import type { BasePostgreSqlEntityManager } from '@mikro-orm/postgresql';
import {
  ConnectionBudgetExceededError,
  currentTenant,
  type OtherManagerOptions,
  TenancyConfigurationError,
  type Tenant,
  TenantClosedError,
  TenantDatabaseMissingError,
  TenantOrmManager,
  TenantReadOnlyError,
  WrongTenantError,
} from 'mikro-orm-multitenancy';
import { bySubdomain, tenancy, trustResolution } from 'mikro-orm-multitenancy/koa';
import { type PgliteFolders, pgliteDatabases } from 'mikro-orm-multitenancy/pglite';
import { expectIsolated } from 'mikro-orm-multitenancy/testing';
import { entities, House, Person } from '../../support/isolation/entities.ts';
import { describeNesting, NESTED_TENANTS, type NestingWorld } from '../../support/isolation/nestingCases.ts';
import { catalogOver } from '../../support/kinds/KindWorld.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';
import { migrationsList, names } from '../../support/pglite/migrations.ts';

type Manager = TenantOrmManager<Tenant, BasePostgreSqlEntityManager<PgliteDriver>>;

/** Making a data folder takes seconds: there is one, and the others are copies. */
const SLOW_MS = 120_000;

let folder = '';
let databases: PgliteFolders;
let managers: Manager[] = [];
let serial = 0;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'tenancy-pglite-')));
  databases = pgliteDatabases({ folder });
  await databases.create('empty');
}, SLOW_MS);
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(async () => {
  for (const manager of managers) {
    const { leases } = manager.stats();
    await manager.close();
    const { requests } = manager.stats().servers['default'] as ReturnType<Manager['stats']>['servers'][string];
    expect({ leases, open: requests.open + requests.closing }).toEqual({ leases: 0, open: 0 });
  }
  managers = [];
});

type Changing = { -readonly [Column in keyof Tenant]: Tenant[Column] };

async function managerOf(
  tenants: readonly Tenant[],
  of: PgliteFolders = databases,
  options: Partial<OtherManagerOptions<Tenant, PgliteDriver>> = {},
): Promise<Manager> {
  const manager = await TenantOrmManager.init({
    ...options,
    databases: of,
    orm: { entities, migrations: { migrationsList } },
    catalog: catalogOver(tenants),
  });
  managers.push(manager as Manager);
  return manager as Manager;
}

/** Tenants with tables, and rows with equal primary keys. */
async function world(ids: readonly string[], isFilled = true): Promise<{ manager: Manager; tenants: Changing[] }> {
  serial += 1;
  const tenants: Changing[] = ids.map((id) => ({ id, database: `${id}_${serial}` }));
  for (const { database } of tenants) {
    await databases.create(database, { from: 'empty' });
  }
  const manager = await managerOf(tenants);
  for (const { id } of isFilled ? tenants : []) {
    await using lease = await manager.acquire(id);
    await lease.orm.schema.create();
    await lease.run(async (em) => {
      for (const n of [1, 2, 3]) {
        em.create(Person, { id: n, name: `${id} person ${n}` });
        em.create(House, { id: n, address: `${id} house ${n}`, facts: { n }, listedAt: new Date(0), owner: n });
      }
      await em.flush();
    });
  }
  return { manager, tenants };
}

describeNesting('runs inside runs, of tenants with a PGlite each', async () => {
  const { manager, tenants } = await world(NESTED_TENANTS);
  // The tests of this file close theirs after each of them.
  managers = managers.filter((one) => one !== manager);
  const inEach = <R>(work: (em: BasePostgreSqlEntityManager<PgliteDriver>) => Promise<R>) =>
    Promise.all(tenants.map(async ({ id }) => [id, await manager.run(id, work)] as const));
  return {
    manager: manager as unknown as NestingWorld['manager'],
    reset: async () => {
      await inEach((em) => em.nativeDelete(Person, { id: { $gt: 3 } }));
    },
    people: async () => Object.fromEntries(await inEach((em) => em.count(Person))),
    reached: async (em) => {
      const sql = em as BasePostgreSqlEntityManager<PgliteDriver>;
      const [row] = await sql.execute<{ name: string }[]>('select name from person where id = 1');
      return row?.name.split(' ')[0] ?? '';
    },
    assertNothingHeld: () => {
      const { leases, servers } = manager.stats();
      const { inUse, waiting } = (servers['default'] as (typeof servers)[string]).requests;
      expect({ leases, inUse, waiting }).toEqual({ leases: 0, inUse: 0, waiting: 0 });
    },
    [Symbol.asyncDispose]: () => manager.close(),
  };
});

describe('tenants with a PGlite each', () => {
  it(
    'are each in their own data, nested, in transactions, and at once',
    async () => {
      const { manager } = await world(['acme', 'globex']);
      const reached = async (id: string): Promise<void> => {
        expect(currentTenant()?.id).toBe(id);
        const em = RequestContext.getEntityManager();
        expect((await em?.findOne(House, 1))?.address).toBe(`${id} house 1`);
        expect((await manager.em.find(Person, {}, { orderBy: { id: 1 } }))[0]?.name).toBe(`${id} person 1`);
      };
      await manager.run('acme', async () => {
        await reached('acme');
        await manager.run('globex', () => reached('globex'));
        await manager.run('acme', () => reached('acme'));
        await reached('acme');
      });
      await manager.run('acme', (em) =>
        em.transactional(async (inner) => {
          await inner.insert(Person, { id: 10, name: 'acme' });
          const undone = manager.run('globex', (other) =>
            other.transactional(async (globex) => {
              await globex.insert(Person, { id: 10, name: 'globex' });
              throw new Error('undone');
            }),
          );
          await expect(undone).rejects.toThrow('undone');
        }),
      );
      expect(await manager.run('acme', (em) => em.count(Person))).toBe(4);
      expect(await manager.run('globex', (em) => em.count(Person))).toBe(3);
      await Promise.all(
        ['acme', 'globex', 'acme', 'globex'].flatMap((id) => [1, 2, 3].map(() => manager.run(id, () => reached(id)))),
      );
      const texts: string[] = [];
      await manager.run('acme', async (em) => {
        for await (const house of em.stream(House, { orderBy: { id: 1 } })) {
          texts.push(house.address);
        }
      });
      expect(texts).toEqual([1, 2, 3].map((n) => `acme house ${n}`));
    },
    SLOW_MS,
  );

  it(
    'refuse the entities of another one',
    async () => {
      const { manager } = await world(['acme', 'globex']);
      const foreign = await manager.run('globex', (em) => em.findOneOrFail(Person, 2));
      await manager.run('acme', async (em) => {
        expect(() => em.persist(foreign)).toThrow(WrongTenantError);
        await expect(em.find(House, { owner: foreign })).rejects.toThrow(WrongTenantError);
        const house = await em.findOneOrFail(House, 1);
        house.owner = foreign;
        await expect(em.flush()).rejects.toThrow(WrongTenantError);
      });
      expect(await manager.run('acme', async (em) => (await em.findOneOrFail(House, 1)).owner?.id)).toBe(1);
    },
    SLOW_MS,
  );

  it(
    'have one session, so that a run of the same tenant inside of a transaction is refused in time',
    async () => {
      const impatient = pgliteDatabases({ folder, acquireTimeoutMs: 300 });
      const { manager: first, tenants } = await world(['acme']);
      await first.close();
      const manager = await managerOf(tenants, impatient);
      // Opened here, which takes longer than that.
      for (let isOpen = false; !isOpen; ) {
        isOpen = await manager
          .run('acme', (em) => em.count(Person))
          .then(
            () => true,
            () => false,
          );
      }
      await manager.run('acme', (em) =>
        em.transactional(async (inner) => {
          await inner.count(Person);
          await expect(manager.run('acme', (other) => other.count(Person))).rejects.toThrow(
            ConnectionBudgetExceededError,
          );
          expect(await inner.count(Person)).toBe(3);
        }),
      );
    },
    SLOW_MS,
  );

  it(
    'do not leave a transaction to the next one, and refuse what comes late',
    async () => {
      const { manager } = await world(['acme']);
      let late: (() => Promise<unknown>) | undefined;
      const tainted: string[] = [];
      manager.events.on('connection:tainted', ({ tenantId }) => tainted.push(tenantId));
      await manager.run('acme', async (em) => {
        await em.execute('begin');
        late = () => em.find(House, {});
      });
      expect((await manager.run('acme', (em) => em.findOneOrFail(Person, 1))).name).toBe('acme person 1');
      expect(tainted).toEqual(['acme']);
      await manager.evict('acme');
      await expect(late?.()).rejects.toThrow(TenantClosedError);
      expect(await manager.run('acme', (em) => em.count(House))).toBe(3);
    },
    SLOW_MS,
  );

  it(
    'are migrated once however many callers there are, and served by Koa',
    async () => {
      const { manager } = await world(['acme', 'globex'], false);
      const done = await Promise.all([1, 2, 3].map(() => manager.migrator('acme').up()));
      expect(done.map((applied) => applied.length)).toEqual([2, 0, 0]);
      expect((await manager.migrator('acme').getExecuted()).map(({ name }) => name)).toEqual(names);
      expect(await manager.migrator('globex').getExecuted()).toEqual([]);
      await manager.migrator('globex').up();
      let id = 0;
      await using server = await KoaServer.start(
        tenancy(manager, { resolve: bySubdomain('example.com'), authorize: trustResolution }),
        async (ctx) => {
          id += 1;
          await manager.em.execute('insert into counter (id, note) values (?, ?)', [1_000 + id, ctx.get('x-marker')]);
          ctx.body = await (RequestContext.getEntityManager() as typeof manager.em).execute('select note from counter');
        },
      );
      await expectIsolated({
        manager,
        tenants: ['acme', 'globex'],
        fill: async (em, marker) => {
          await em.execute('insert into counter (id, note) values (900, ?)', [marker]);
        },
        request: (tenant, path, marker) => server.send(`${tenant}.example.com`, path, { 'x-marker': marker }),
        routes: ['/'],
        rounds: 8,
        concurrency: 4,
      });
      expect((await server.send('nobody.example.com')).status).toBe(404);
      expect(server.errors).toEqual([]);
    },
    SLOW_MS,
  );

  it(
    'are migrated on access where versionGate says so, and kept away from where it refuses',
    async () => {
      const { manager: first, tenants } = await world(['acme', 'globex'], false);
      await first.close();
      const refusing = await managerOf(tenants, databases, {
        versionGate: { requires: 'latest', whenBehind: 'refuse' },
      });
      await expect(refusing.run('acme', () => 1)).rejects.toMatchObject({ code: 'TENANT_BEHIND' });
      await refusing.close();
      const manager = await managerOf(tenants, databases, {
        versionGate: { requires: 'latest', whenBehind: 'migrate', waitMs: 60_000 },
      });
      const rows = await Promise.all(
        ['acme', 'globex', 'acme'].map((id) => manager.run(id, (em) => em.execute('select note from counter'))),
      );
      expect(rows).toEqual([1, 2, 3].map(() => [{ note: 'applied' }]));
    },
    SLOW_MS,
  );

  it(
    'can only be read where they are readonly',
    async () => {
      const { manager, tenants } = await world(['acme']);
      (tenants[0] as Changing).status = 'readonly';
      await manager.run('acme', async (em) => {
        expect(await em.count(House)).toBe(3);
        await expect(em.insert(Person, { id: 77, name: 'x' })).rejects.toThrow(TenantReadOnlyError);
        await expect(em.execute('set default_transaction_read_only = off')).rejects.toThrow(TenantReadOnlyError);
      });
    },
    SLOW_MS,
  );
});

describe('the data of a tenant', () => {
  it(
    'that is missing, or no data, is an error, and is not made on the way',
    async () => {
      await mkdir(join(folder, 'hollow'));
      await writeFile(join(folder, 'a_file'), 'text');
      const manager = await managerOf([
        { id: 'none', database: 'none' },
        { id: 'hollow', database: 'hollow' },
        { id: 'file', database: 'a_file' },
      ]);
      for (const id of ['none', 'hollow', 'file']) {
        await expect(manager.run(id, (em) => em.execute('select 1'))).rejects.toThrow(TenantDatabaseMissingError);
        await expect(manager.migrator(id).up()).rejects.toThrow(TenantDatabaseMissingError);
      }
      expect(existsSync(join(folder, 'none'))).toBe(false);
      expect(existsSync(join(folder, 'hollow', 'PG_VERSION'))).toBe(false);
    },
    SLOW_MS,
  );

  it(
    'has one user at a time, and that of a process that was killed is taken over',
    async () => {
      const { manager, tenants } = await world(['acme']);
      const database = (tenants[0] as Tenant).database;
      await manager.run('acme', (em) => em.count(House));
      const other = await managerOf(tenants);
      await expect(other.run('acme', (em) => em.count(House))).rejects.toThrow('by another manager');
      await expect(databases.drop(database)).rejects.toThrow(TenancyConfigurationError);
      await expect(databases.create('copy', { from: database })).rejects.toThrow(TenancyConfigurationError);
      await Promise.all([manager.close(), other.close()]);
      expect(existsSync(join(folder, `${database}.pid`))).toBe(false);
      await writeFile(join(folder, `${database}.pid`), String(2 ** 22 + 1));
      const next = await managerOf(tenants);
      expect(await next.run('acme', (em) => em.count(House))).toBe(3);
      await next.evict('acme');
      await databases.drop(database);
      expect(await databases.exists(database)).toBe(false);
    },
    SLOW_MS,
  );

  it('never is outside of the folder', async () => {
    for (const name of ['..', '../up', '/etc', 'A', '.making-x', '']) {
      await expect(databases.create(name)).rejects.toThrow(TenancyConfigurationError);
      await expect(databases.exists(name)).rejects.toThrow(TenancyConfigurationError);
      await expect(databases.drop(name)).rejects.toThrow(TenancyConfigurationError);
      await expect(databases.create('fine', { from: name })).rejects.toThrow(TenancyConfigurationError);
    }
    const manager = await managerOf([{ id: 'up', database: '../up' }]);
    await expect(manager.run('up', () => 1)).rejects.toThrow(TenancyConfigurationError);
    await expect(databases.create('empty')).rejects.toThrow('exists already');
    await expect(databases.create('fine', { from: 'none' })).rejects.toThrow('no database "none"');
  });

  it.each([
    [{}, 'folder'],
    [{ folder: 'memory://' }, 'path of a folder'],
    [{ folder: '/tmp', maxOpen: 0 }, 'maxOpen'],
    [{ folder: '/tmp', dataDir: 'x' }, 'dataDir'],
  ])('is not looked for by options as %j', (options, named) => {
    expect(() => pgliteDatabases(options as never)).toThrow(named);
    expect(() => pgliteDatabases(options as never)).toThrow(TenancyConfigurationError);
  });
});
