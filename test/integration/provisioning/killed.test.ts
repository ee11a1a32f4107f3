import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TenantNotFoundError } from 'mikro-orm-multitenancy';
import { BundledProgram } from '../../support/BundledProgram.ts';
import { adminQuery, queryAt, serverUrl } from '../../support/databases.ts';
import { OwnPostgres } from '../../support/faults/OwnPostgres.ts';
import { House } from '../../support/manager/TestTenants.ts';
import { LIFE_PROGRAM, type LifeManager, LifeWorld, onceFree } from '../../support/provisioning/LifeWorld.ts';
import { lifeProvisioning } from '../../support/provisioning/lifeOptions.ts';
import type { LifeProgram } from '../../support/provisioning/lifeProgram.ts';

interface Walk {
  readonly verb: LifeProgram['verb'];
  readonly hasSpares?: boolean;
  readonly hasOther?: boolean;
  readonly hasRoles?: boolean;
  readonly args: (id: string) => readonly unknown[];
  readonly before?: (manager: LifeManager, id: string) => Promise<unknown>;
  /** The same call again, and what must be there then. */
  readonly after: (manager: LifeManager, id: string, world: LifeWorld) => Promise<void>;
  readonly atLeast: number;
  /** Of many statements, of which some take long. */
  readonly isLong?: true;
}

/**
 * At every how many statements the process is also killed as soon as one is sent, beside before each: the server may still
 * do it then, or may not. `KILL_EVERY` has it at each.
 */
const SENT_EVERY = { short: 2, long: 4 } as const;
const EVERY = process.env['KILL_EVERY'] === 'true';

interface Kill {
  readonly killAt: number;
  readonly isSent: boolean;
}

/** Before statement 1, 2, 3 and so on, and of some of them also as soon as they are sent. */
function* kills(sentEvery: number): Generator<Kill, never> {
  for (let killAt = 1; ; killAt += 1) {
    yield { killAt, isSent: false };
    if (killAt % sentEvery === 0) {
      yield { killAt, isSent: true };
    }
  }
}

/** Kills the verb at each of its statements, two at a time. Gives how many there are. */
async function walkAll(world: LifeWorld, walk: Walk, program: BundledProgram): Promise<number> {
  const { seed } = lifeProvisioning(world.settings);
  const hasSpares = walk.hasSpares ?? false;
  const manager = await world.manager({ hasSpares, provisioning: { ...(seed === undefined ? {} : { seed }) } });
  await manager.provision({ id: 'first', server: 'default' });
  const planned = kills(EVERY ? 1 : SENT_EVERY[walk.isLong === true ? 'long' : 'short']);
  let [isOver, killed] = [false, 0];
  const kill = async ({ killAt, isSent }: Kill): Promise<void> => {
    const id = `t${killAt}${isSent ? 'sent' : ''}`;
    await walk.before?.(manager, id);
    const { verb } = walk;
    const statements = await world.inProcess({ verb, args: walk.args(id), hasSpares, killAt, isSent }, program);
    isOver ||= statements !== undefined;
    killed = Math.max(killed, statements === undefined ? killAt : 0);
    await walk.after(manager, id, world);
  };
  const walker = async (): Promise<void> => {
    while (!isOver) {
      const next = planned.next().value;
      try {
        await kill(next);
      } catch (error) {
        isOver = true;
        throw new Error(`killed ${next.isSent ? 'at' : 'before'} statement ${next.killAt}`, { cause: error });
      }
    }
  };
  // Each to its end, as what they use is disposed of then.
  const walked = await Promise.allSettled([walker(), walker()]);
  const failed = walked.find(({ status }) => status === 'rejected');
  if (failed !== undefined) {
    throw (failed as PromiseRejectedResult).reason;
  }
  return killed;
}

async function expectWhole(
  manager: LifeManager,
  world: LifeWorld,
  id: string,
  { of = id, url = serverUrl() }: { readonly of?: string; readonly url?: string } = {},
): Promise<void> {
  expect(await manager.catalog.find(id)).toMatchObject({ id, status: 'active' });
  const addresses = await manager.run(id, async (em) => (await em.findAll(House)).map(({ address }) => address));
  expect(addresses).toEqual([`first house of ${of}`]);
  const streets = await queryAt(url, 'select name from street', [], world.databaseOf(id));
  expect(streets).toHaveLength(1);
}

/** Of these tenants nothing else than their databases is on the server, and spares that are written down. */
async function expectNoOrphans(world: LifeWorld): Promise<void> {
  const rows = await world.query<{ name: string }>(
    `select database_name as name from tenancy_tenants union all select database_name from tenancy_spares
     union all select database_name from tenancy_leftovers order by 1`,
  );
  const databases = await world.databases();
  const others = world.otherUrl === undefined ? [] : await world.databases(world.otherUrl);
  expect([...databases, ...others].sort()).toEqual(rows.map(({ name }) => name).sort());
  const secrets = await world.query<{ name: string }>('select name from tenancy_secrets order by 1');
  const tenants = await world.query<{ name: string }>('select id as name from tenancy_tenants order by 1');
  if (world.roles !== undefined) {
    expect(secrets).toEqual(tenants);
    expect(await world.roleNames()).toHaveLength(tenants.length + 1);
  }
  expect(await world.query("select 1 from tenancy_operations where state in ('running', 'failed')")).toEqual([]);
}

const provisionAgain = async (manager: LifeManager, id: string, world: LifeWorld): Promise<void> => {
  if ((await manager.catalog.find(id))?.status !== 'active') {
    await onceFree(() => manager.provision({ id }));
  }
  await expectWhole(manager, world, id);
};

const goneAgain = async (manager: LifeManager, id: string): Promise<void> => {
  try {
    await onceFree(() => manager.drop(id));
  } catch (error) {
    if (!(error instanceof TenantNotFoundError)) {
      throw error;
    }
  }
  // What another process did is heard of within the poll interval, which is 5 s, and a second.
  const deadline = performance.now() + 6_000;
  while ((await manager.catalog.find(id)) !== undefined && performance.now() < deadline) {
    await setTimeout(50);
  }
  expect(await manager.catalog.find(id)).toBeUndefined();
};

const WALKS: Readonly<Record<string, Walk>> = {
  'provision from the template': {
    verb: 'provision',
    args: (id) => [{ id }],
    after: provisionAgain,
    atLeast: 8,
  },
  'provision from a spare': {
    verb: 'provision',
    hasSpares: true,
    args: (id) => [{ id }],
    before: (manager) => manager.fillSpares(),
    after: provisionAgain,
    atLeast: 6,
  },
  'provision with a role': {
    verb: 'provision',
    hasRoles: true,
    args: (id) => [{ id }],
    after: provisionAgain,
    atLeast: 12,
  },
  clone: {
    verb: 'clone',
    hasRoles: true,
    args: (id) => ['first', { id }],
    after: async (manager, id, world) => {
      if ((await manager.catalog.find(id))?.status !== 'active') {
        await onceFree(() => manager.clone('first', { id }));
      }
      await expectWhole(manager, world, id, { of: 'first' });
    },
    atLeast: 12,
    isLong: true,
  },
  move: {
    verb: 'move',
    hasOther: true,
    hasRoles: true,
    args: (id) => [id, { to: 'other' }],
    before: (manager, id) => manager.provision({ id, server: 'default' }),
    after: async (manager, id, world) => {
      const tenant = await manager.catalog.find(id);
      if (tenant?.server !== 'other' || tenant.status !== 'active') {
        await onceFree(() => manager.move(id, { to: 'other' }));
      }
      expect(await manager.catalog.find(id)).toMatchObject({ server: 'other', status: 'active' });
      await expectWhole(manager, world, id, { url: world.otherUrl ?? '' });
    },
    atLeast: 12,
    isLong: true,
  },
  drop: {
    verb: 'drop',
    hasRoles: true,
    args: (id) => [id],
    before: (manager, id) => manager.provision({ id }),
    after: goneAgain,
    atLeast: 6,
  },
  archive: {
    verb: 'archive',
    args: (id) => [id],
    before: (manager, id) => manager.provision({ id }),
    after: async (manager, id, world) => {
      if ((await manager.catalog.find(id))?.status !== 'archived') {
        await onceFree(() => manager.archive(id));
      }
      await onceFree(() => manager.archive(id)).catch(() => {});
      const [database] = await adminQuery('select datallowconn as open from pg_database where datname = $1', [
        world.databaseOf(id),
      ]);
      expect(database).toEqual({ open: false });
      await manager.restore(id);
      await expectWhole(manager, world, id);
    },
    atLeast: 3,
  },
};

describe('a process that is killed', () => {
  let program: BundledProgram;
  beforeAll(async () => {
    program = await BundledProgram.of(LIFE_PROGRAM);
  });
  afterAll(() => program[Symbol.dispose]());

  it.each(Object.keys(WALKS))(
    'in %s, at any statement, leaves what the same call finishes',
    async (name) => {
      const walk = WALKS[name] as Walk;
      await using other = walk.hasOther === true ? await OwnPostgres.start({ max_connections: 100 }) : undefined;
      await using world = await LifeWorld.create({
        hasRoles: walk.hasRoles ?? false,
        ...(other === undefined ? {} : { otherUrl: other.url }),
      });
      const killed = await walkAll(world, walk, program);
      expect(killed).toBeGreaterThanOrEqual(walk.atLeast);
      await expectNoOrphans(world);
      if (other !== undefined) {
        // What tenants were moved from goes with its role.
        await world.query('update tenancy_leftovers set drop_after = now()');
        await (await world.manager()).prune();
        const tenants = await world.query<{ server: string }>('select server from tenancy_tenants');
        const here = tenants.filter(({ server }) => server === 'default').length;
        expect([await world.databases(), await world.roleNames()].map(({ length }) => length)).toEqual([
          here,
          here + 1,
        ]);
        expect(await world.roleNames(other.url)).toHaveLength(tenants.length - here + 1);
      }
    },
    240_000,
  );
});
