import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { TenantBusyError } from 'mikro-orm-multitenancy';
import { describeFiles } from '../support/files/fileCases.ts';
import { KINDS } from '../support/files/kinds.ts';
import { SqliteWorld } from '../support/files/SqliteWorld.ts';
import { House, Person } from '../support/isolation/entities.ts';
import { describeIsolation } from '../support/kinds/isolationCases.ts';

describe.each(KINDS)('%s', (name, kind) => {
  describeIsolation('tenants with a file each', (options) => SqliteWorld.create({ kind, ...options }), 5);
  describeFiles(name, (options) => SqliteWorld.create({ kind, ...options }));
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
});

describe.each(KINDS)('%s: the file of a tenant', (_name, kind) => {
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
});
