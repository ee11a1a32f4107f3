import { existsSync } from 'node:fs';
import { rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { AbstractSqlDriver } from '@mikro-orm/postgresql';
import {
  TenancyConfigurationError,
  TenantClosedError,
  TenantDatabaseMissingError,
  WrongDatabaseError,
} from 'mikro-orm-multitenancy';
import { House, Person } from '../isolation/entities.ts';
import type { FilesWorld } from './FilesWorld.ts';

/** What keeps the tenants apart that have a file each, the same for each library. */
export function describeFiles(
  title: string,
  create: (options: { readonly ids?: readonly string[] }) => Promise<FilesWorld<AbstractSqlDriver>>,
): void {
  describe(`${title}: tenants with a file each`, () => {
    let world: FilesWorld<AbstractSqlDriver>;
    beforeAll(async () => {
      world = await create({});
    });
    beforeEach(() => world.reset());
    afterEach(() => world.assertNothingHeld());
    afterAll(() => world[Symbol.asyncDispose]());

    let nextId = 100;
    const add = (em: { insert(entity: typeof Person, data: { id: number; name: string }): Promise<unknown> }) =>
      em.insert(Person, { id: nextId++, name: 'new' });

    it('whose ORM was closed inside of a transaction lose it, and whoever waits for them is turned away', async () => {
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
      expect(await world.count('acme', 'person')).toBe(3);
      await world.manager.run('acme', (em) => add(em));
      expect(await world.count('acme', 'person')).toBe(4);
    });

    it('do not leave a transaction to the next one who gets the connection', async () => {
      const tainted: string[] = [];
      world.manager.events.on('connection:tainted', ({ tenantId }) => tainted.push(tenantId));
      await world.manager.run('acme', async (em) => {
        await em.execute('begin immediate');
      });
      await world.manager.run('acme', (em) => add(em));
      expect(tainted).toEqual(['acme']);
      expect(await world.count('acme', 'person')).toBe(4);
    });

    it('cannot open the file of another tenant by ATTACH, nor copy their own elsewhere', async () => {
      await world.manager.run('acme', async (em) => {
        const path = world.pathOf('globex');
        await expect(em.execute(`attach database '${path}' as globex`)).rejects.toThrow(TenancyConfigurationError);
        await expect(em.execute(`/* */ ATTACH '${path}' as globex`)).rejects.toThrow(TenancyConfigurationError);
        const copy = join(world.folder, 'copy');
        await expect(em.execute(`vacuum into '${copy}'`)).rejects.toThrow(TenancyConfigurationError);
        expect(existsSync(copy)).toBe(false);
      });
    });

    it('cannot set what all tenants of the process have in common', async () => {
      const inCommon = ['temp_store_directory', 'soft_heap_limit', 'hard_heap_limit'];
      const read = () =>
        world.manager.run('globex', (em) => Promise.all(inCommon.map((name) => em.execute(`pragma ${name}`))));
      const before = await read();
      await world.manager.run('acme', async (em) => {
        for (const text of [
          `pragma temp_store_directory = '${world.folder}'`,
          'PRAGMA main . soft_heap_limit(9000000000)',
          'explain pragma hard_heap_limit /* */ = 9000000000',
          'pragma "hard_heap_limit" = 9000000000',
        ]) {
          await expect(em.execute(text)).rejects.toThrow(TenancyConfigurationError);
        }
      });
      expect(await read()).toEqual(before);
    });
  });

  describe(`${title}: the file of a tenant`, () => {
    it('that is missing is an error, and is not made on the way', async () => {
      await using world = await create({ ids: ['acme'] });
      await world.manager.evict('acme');
      await world.databases.drop('acme_db');
      await expect(world.manager.run('acme', (em) => em.count(House))).rejects.toThrow(TenantDatabaseMissingError);
      await expect(world.manager.migrator('acme').up()).rejects.toThrow(TenantDatabaseMissingError);
      await expect(world.manager.migrator('acme').getPending()).rejects.toThrow(TenantDatabaseMissingError);
      expect(existsSync(world.pathOf('acme'))).toBe(false);
      expect(existsSync(`${world.pathOf('acme')}-lock`)).toBe(false);
    });

    it('that is a link to another tenant, or out of the folder, is refused', async () => {
      await using world = await create({});
      await using elsewhere = await create({ ids: ['acme'] });
      await world.manager.evict('acme');
      for (const target of [world.pathOf('globex'), elsewhere.pathOf('acme')]) {
        await rename(world.pathOf('acme'), `${world.pathOf('acme')}.kept`);
        await symlink(target, world.pathOf('acme'));
        await expect(world.manager.run('acme', (em) => em.count(House))).rejects.toThrow(WrongDatabaseError);
        await rename(`${world.pathOf('acme')}.kept`, world.pathOf('acme'));
        await world.manager.evict('acme');
      }
    });

    it('of a dropped tenant leaves nothing to the next one of the same name', async () => {
      await using world = await create({ ids: ['acme'] });
      await using lease = await world.manager.acquire('acme');
      expect(await lease.run((em) => em.count(House))).toBe(3);
      await expect(world.databases.drop('acme_db')).rejects.toThrow(/is open,? in this process/);
      lease.release();
      await world.manager.evict('acme');
      await world.databases.drop('acme_db');
      await world.databases.create('acme_db');
      const tables = await world.manager.run('acme', (em) => em.execute('select name from sqlite_master'));
      expect(tables).toEqual([]);
    });
  });
}
