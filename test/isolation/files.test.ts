import { existsSync } from 'node:fs';
import { copyFile, rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  TenancyConfigurationError,
  TenantBusyError,
  TenantClosedError,
  TenantDatabaseMissingError,
  WrongDatabaseError,
} from 'mikro-orm-multitenancy';
import { KINDS } from '../support/files/kinds.ts';
import { SqliteWorld } from '../support/files/SqliteWorld.ts';
import { House, Person } from '../support/isolation/entities.ts';
import { describeIsolation } from '../support/kinds/isolationCases.ts';

describe.each(KINDS)('%s', (_name, kind) => {
  describeIsolation('tenants with a file each', (options) => SqliteWorld.create({ kind, ...options }), 5);
});

describe.each(KINDS)('%s: tenants with a file of SQLite each', (_name, kind) => {
  let world: SqliteWorld;
  beforeAll(async () => {
    world = await SqliteWorld.create({
      kind,
      ids: ['acme', 'globex', 'initech'],
      files: { lockTimeoutMs: 250 },
    });
  });
  beforeEach(async () => {
    await world.reset();
    world.statements.length = 0;
  });
  afterEach(() => world.assertNothingHeld());
  afterAll(() => world[Symbol.asyncDispose]());

  let nextId = 100;
  const add = (em: { insert(entity: typeof Person, data: { id: number; name: string }): Promise<unknown> }) =>
    em.insert(Person, { id: nextId++, name: 'new' });

  describe('in runs inside runs', () => {
    it('of the same tenant do not see what the outer transaction has not committed', async () => {
      await world.manager.run('acme', (outer) =>
        outer.transactional(async (acme) => {
          await add(acme);
          await world.manager.run('acme', async (inner) => {
            expect(inner.isInTransaction()).toBe(false);
            expect(await inner.count(Person)).toBe(3);
            expect(await inner.transactional((em) => em.count(Person), { readOnly: true })).toBe(3);
          });
          expect(await acme.count(Person)).toBe(4);
        }),
      );
    });

    it('of the same tenant that write inside of its transaction are told so, and nothing hangs', async () => {
      await world.manager.run('acme', (outer) =>
        outer.transactional(async (acme) => {
          await add(acme);
          await world.manager.run('acme', async (inner) => {
            await expect(inner.transactional((em) => add(em))).rejects.toThrow(TenantBusyError);
            await expect(add(inner)).rejects.toThrow('locked by another transaction for 250 ms');
          });
          // The outer one goes on.
          await add(acme);
        }),
      );
      expect(await world.people()).toEqual({ acme: 5, globex: 3, initech: 3 });
    });

    it("release once the connection of a transaction of Kysely's that could not begin", async () => {
      await world.manager.run('acme', (outer) =>
        outer.transactional(async (acme) => {
          await add(acme);
          await world.manager.run('acme', async (inner) => {
            const begun = inner
              .getKysely()
              .transaction()
              .execute(async () => 1);
            await expect(begun).rejects.toThrow(TenantBusyError);
            // Its connection is the next one's, who is left alone with it.
            expect(await Promise.all([inner.count(Person), inner.count(House)])).toEqual([3, 3]);
          });
        }),
      );
    });
  });

  describe('whose ORM was closed', () => {
    it('inside of a transaction lose it, and whoever waits for the lock is turned away', async () => {
      const begun = Promise.withResolvers<void>();
      const evicted = Promise.withResolvers<void>();
      const holder = world.manager.run('acme', (em) =>
        em.transactional(async (inner) => {
          await add(inner);
          begun.resolve();
          await evicted.promise;
          await add(inner);
        }),
      );
      const held = expect(holder).rejects.toThrow(TenantClosedError);
      await begun.promise;
      const waiter = expect(world.manager.run('acme', (em) => em.transactional((inner) => add(inner)))).rejects.toThrow(
        TenantClosedError,
      );
      // The waiter is in the line before the tenant is closed.
      await new Promise((resolve) => setImmediate(resolve));
      await world.manager.evict('acme', { timeoutMs: 0 });
      evicted.resolve();
      await Promise.all([held, waiter]);
      expect(world.count('acme', 'person')).toBe(3);
      await world.manager.run('acme', (em) => add(em));
      expect(world.count('acme', 'person')).toBe(4);
    });
  });

  it('do not leave a transaction to the next one who gets the connection', async () => {
    const tainted: string[] = [];
    world.manager.events.on('connection:tainted', ({ tenantId }) => tainted.push(tenantId));
    await world.manager.run('acme', async (em) => {
      await em.execute('begin immediate');
    });
    await world.manager.run('acme', (em) => add(em));
    expect(tainted).toEqual(['acme']);
    expect(world.count('acme', 'person')).toBe(4);
  });

  it('cannot open the file of another tenant by ATTACH, nor copy their own elsewhere', async () => {
    await world.manager.run('acme', async (em) => {
      const path = world.pathOf('globex');
      await expect(em.execute(`attach database '${path}' as globex`)).rejects.toThrow(TenancyConfigurationError);
      await expect(em.execute(`/* */ ATTACH '${path}' as globex`)).rejects.toThrow(TenancyConfigurationError);
      const copy = join(world.folder, 'copy.sqlite');
      await expect(em.execute(`vacuum into '${copy}'`)).rejects.toThrow(TenancyConfigurationError);
      expect(existsSync(copy)).toBe(false);
    });
  });
});

describe.each(KINDS)('%s: the file of a tenant', (_name, kind) => {
  it('that is missing is an error, and is not made on the way', async () => {
    await using world = await SqliteWorld.create({ kind, ids: ['acme'] });
    await world.manager.evict('acme');
    await world.databases.drop('acme_db');
    await expect(world.manager.run('acme', (em) => em.count(House))).rejects.toThrow(TenantDatabaseMissingError);
    await expect(world.manager.migrator('acme').up()).rejects.toThrow(TenantDatabaseMissingError);
    await expect(world.manager.migrator('acme').getPending()).rejects.toThrow(TenantDatabaseMissingError);
    expect(existsSync(world.pathOf('acme'))).toBe(false);
    expect(existsSync(`${world.pathOf('acme')}-lock`)).toBe(false);
  });

  it('that is a link to another tenant, or out of the folder, is refused', async () => {
    await using world = await SqliteWorld.create({ kind });
    await using elsewhere = await SqliteWorld.create({ kind, ids: ['acme'] });
    await world.manager.evict('acme');
    for (const target of [world.pathOf('globex'), elsewhere.pathOf('acme')]) {
      await rename(world.pathOf('acme'), `${world.pathOf('acme')}.kept`);
      await symlink(target, world.pathOf('acme'));
      await expect(world.manager.run('acme', (em) => em.count(House))).rejects.toThrow(WrongDatabaseError);
      await rename(`${world.pathOf('acme')}.kept`, world.pathOf('acme'));
      await world.manager.evict('acme');
    }
  });

  it('that is made anew has nothing of what a crash left of an earlier one of its name', async () => {
    await using world = await SqliteWorld.create({ kind, ids: ['acme'] });
    const ghost = join(world.folder, 'ghost.sqlite');
    await world.manager.run('acme', async (em) => {
      await em.insert(Person, { id: 77, name: 'of the earlier one' });
      // What acme has written is in its log, as long as the file is open.
      await copyFile(`${world.pathOf('acme')}-wal`, `${ghost}-wal`);
    });
    await world.databases.create('ghost');
    const file = world.kind.open(ghost, 1_000);
    expect(file.prepare('select name from sqlite_master').all([])).toEqual([]);
    file.close();
  });

  it('of a dropped tenant leaves nothing to the next one of the same name', async () => {
    await using world = await SqliteWorld.create({ kind, ids: ['acme'] });
    await using lease = await world.manager.acquire('acme');
    await expect(world.databases.drop('acme_db')).rejects.toThrow('is open in this process');
    await lease.run((em) => em.count(House));
    lease.release();
    await world.manager.evict('acme');
    await world.databases.drop('acme_db');
    await world.databases.create('acme_db');
    const tables = await world.manager.run('acme', (em) => em.execute('select name from sqlite_master'));
    expect(tables).toEqual([]);
  });
});
