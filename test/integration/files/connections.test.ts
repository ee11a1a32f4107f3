import { describe, expect, it } from '@jest/globals';
import { TenancyConfigurationError, TenantBusyError } from 'mikro-orm-multitenancy';
import { KINDS } from '../../support/files/kinds.ts';
import { describeManager } from '../../support/files/managerCases.ts';
import { SqliteWorld } from '../../support/files/SqliteWorld.ts';
import { Person } from '../../support/isolation/entities.ts';

const person = (id: number) => ({ id, name: 'new' });

describe.each(KINDS)('%s', (name, kind) => {
  describeManager({
    name,
    databasesOf: (folder) => kind.databasesOf({ folder }),
    create: ({ most, isAlone = false, acquireTimeoutMs, ...options }) =>
      SqliteWorld.create({
        ...options,
        kind,
        files: {
          maxConnections: most,
          maxConnectionsPerTenant: isAlone ? 1 : undefined,
          acquireTimeoutMs,
          lockTimeoutMs: 20_000,
        },
      }),
  });
});

describe.each(KINDS)('%s: those who write to one file', (_name, kind) => {
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
});
