import { existsSync } from 'node:fs';
import { copyFile, rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RequestContext } from '@mikro-orm/core';
import {
  currentTenant,
  NoTenantError,
  TenancyConfigurationError,
  TenantBusyError,
  TenantClosedError,
  TenantDatabaseMissingError,
  WrongDatabaseError,
  WrongTenantError,
} from 'mikro-orm-multitenancy';
import { KINDS } from '../support/files/kinds.ts';
import { fileReached, SqliteWorld } from '../support/files/SqliteWorld.ts';
import { House, Person, Room } from '../support/isolation/entities.ts';
import { expectKeptApart } from '../support/isolation/keptApart.ts';
import { describeNesting, NESTED_TENANTS, type NestingWorld } from '../support/isolation/nestingCases.ts';
import { RemoteCacheServer, remoteCacheOver } from '../support/isolation/RemoteCache.ts';

describeNesting('runs inside runs, of tenants with a file of SQLite each', async () => {
  const world = await SqliteWorld.create({ ids: NESTED_TENANTS });
  return {
    manager: world.manager as unknown as NestingWorld['manager'],
    reset: () => world.reset(),
    people: async () => Object.fromEntries(NESTED_TENANTS.map((id) => [id, world.count(id, 'person')])),
    reached: fileReached,
    assertNothingHeld: () => world.assertNothingHeld(),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
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

  const people = () => Object.fromEntries(world.tenants.map(({ id }) => [id, world.count(id, 'person')]));
  let nextId = 100;
  const add = (em: { insert(entity: typeof Person, data: { id: number; name: string }): Promise<unknown> }) =>
    em.insert(Person, { id: nextId++, name: 'new' });

  /** Everything by which code finds out whose data it has. */
  async function expectToBe(id: string | undefined): Promise<void> {
    expect(currentTenant()?.id).toBe(id);
    expect(world.manager.current()?.id).toBe(id);
    const em = RequestContext.getEntityManager();
    expect(em === undefined ? undefined : await fileReached(em)).toBe(id);
    if (id !== undefined) {
      expect(await fileReached(world.manager.em)).toBe(id);
      expect((await world.manager.em.findOneOrFail(House, 1)).address).toBe(`${id} house 1`);
    } else {
      expect(() => world.manager.em.find(House, {})).toThrow(NoTenantError);
    }
  }

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
      expect(people()).toEqual({ acme: 5, globex: 3, initech: 3 });
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

  it('use their own context in Promise.all, timers and streams', async () => {
    await Promise.all(
      world.tenants.flatMap(({ id }) =>
        Array.from({ length: 8 }, () =>
          world.manager.run(id, async (em) => {
            await new Promise((resolve) => setTimeout(resolve, 1));
            await expectToBe(id);
            const texts: string[] = [];
            for await (const house of em.stream(House, { orderBy: { id: 1 } })) {
              texts.push(house.address);
              await new Promise((resolve) => setImmediate(resolve));
              expect(currentTenant()?.id).toBe(id);
            }
            expect(texts).toEqual([1, 2, 3].map((n) => `${id} house ${n}`));
          }),
        ),
      ),
    );
  });

  describe('with an entity of another tenant', () => {
    const foreign = () => world.manager.run('globex', (em) => em.findOneOrFail(Person, 2, { populate: ['houses'] }));

    it('refuse to persist, merge, remove, reference, assign, and to take it in data and conditions', async () => {
      const person = await foreign();
      await world.manager.run('acme', async (em) => {
        expect(() => em.persist(person)).toThrow(WrongTenantError);
        expect(() => em.merge(person)).toThrow(WrongTenantError);
        expect(() => em.remove(person)).toThrow(WrongTenantError);
        expect(() => em.create(House, { id: 9, address: 'x', facts: {}, listedAt: new Date(), owner: person })).toThrow(
          WrongTenantError,
        );
        await expect(em.find(House, { owner: person })).rejects.toThrow(WrongTenantError);
        await expect(em.nativeUpdate(House, {}, { owner: person })).rejects.toThrow(WrongTenantError);
        expect(() => em.createQueryBuilder(House).where({ owner: person })).toThrow(WrongTenantError);
        const house = await em.findOneOrFail(House, 1);
        house.owner = person;
        await expect(em.flush()).rejects.toThrow(WrongTenantError);
      });
      expect(world.statements.filter(({ text }) => /\b(insert|update|delete)\b/.test(text))).toEqual([]);
    });

    it('refuse it in a collection', async () => {
      const room = await world.manager.run('globex', (em) => em.findOneOrFail(Room, 1));
      await world.manager.run('acme', async (em) => {
        const house = await em.findOneOrFail(House, 1, { populate: ['rooms'] });
        const work = async () => {
          house.rooms.add(room);
          await em.flush();
        };
        await expect(work()).rejects.toThrow(WrongTenantError);
      });
      expect(world.query('acme', (file) => file.prepare('select name from room order by id').all([]))).toEqual(
        [1, 2, 3].map((n) => ({ name: `acme room ${n}` })),
      );
    });
  });

  describe('whose ORM was closed', () => {
    it('meanwhile refuse what comes late, and open anew for the next run', async () => {
      let late: (() => Promise<unknown>) | undefined;
      await world.manager.run('acme', (em) => {
        late = () => em.find(House, {});
      });
      await world.manager.evict('acme');
      await expect(late?.()).rejects.toThrow(TenantClosedError);
      expect(await world.manager.run('acme', (em) => em.count(House))).toBe(3);
    });

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
      expect(people()['acme']).toBe(3);
      await world.manager.run('acme', (em) => add(em));
      expect(people()['acme']).toBe(4);
    });

    it('in the middle of a stream end the stream', async () => {
      const read = world.manager.run('acme', async (em) => {
        for await (const _ of em.stream(House, {})) {
          await world.manager.evict('acme', { timeoutMs: 0 });
        }
      });
      await expect(read).rejects.toThrow(TenantClosedError);
      expect(await world.manager.run('acme', (em) => em.count(House))).toBe(3);
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
    expect(people()['acme']).toBe(4);
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

  it('keep their texts apart over interleavings of reads, writes, nested runs and evictions', async () => {
    const manager = world.manager as unknown as NestingWorld['manager'];
    await expectKeptApart({ manager, reached: fileReached }, NESTED_TENANTS, 5);
  }, 120_000);
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

describe.each(KINDS)('%s: one result cache for all tenants', (_name, kind) => {
  it('gives each tenant its own rows', async () => {
    const server = new RemoteCacheServer();
    await using world = await SqliteWorld.create({
      kind,
      orm: { resultCache: { adapter: remoteCacheOver(server) } },
    });
    const first = (id: string) =>
      world.manager.run(id, async (em) => (await em.findOneOrFail(House, 1, { cache: ['first', 10_000] })).address);
    for (const id of ['acme', 'globex', 'acme', 'globex']) {
      expect(await first(id)).toBe(`${id} house 1`);
    }
    expect(server.entries.size).toBe(2);
  });
});
