import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TenancyConfigurationError, TenantUnavailableError } from 'mikro-orm-multitenancy';
import { adminQuery, serverUrl } from '../../support/databases.ts';
import { OwnPostgres } from '../../support/faults/OwnPostgres.ts';
import { House, until } from '../../support/manager/TestTenants.ts';
import { type LifeManager, LifeWorld, stepsOf } from '../../support/provisioning/LifeWorld.ts';

let other: OwnPostgres;

beforeAll(async () => {
  other = await OwnPostgres.start({ max_connections: 100 });
}, 60_000);

afterAll(async () => {
  await other[Symbol.asyncDispose]();
});

const worldOfTwo = () => LifeWorld.create({ otherUrl: other.url });

async function addHouse(manager: LifeManager, id: string, address: string): Promise<void> {
  await manager.run(id, async (em) => {
    em.create(House, { address });
    await em.flush();
  });
}

const addressesOf = (manager: LifeManager, id: string): Promise<string[]> =>
  manager.run(id, async (em) => (await em.find(House, {}, { orderBy: { id: 1 } })).map(({ address }) => address));

describe('move', () => {
  it('brings the tenant to another server, and keeps the source where nobody reaches it', async () => {
    await using world = await worldOfTwo();
    const [manager, another] = [await world.manager(), await world.manager()];
    await manager.provision({ id: 'acme', server: 'default' });
    await addHouse(manager, 'acme', 'Elm Street 1');
    await addHouse(another, 'acme', 'Elm Street 2');
    const progress: unknown[] = [];
    manager.events.on('operation:progress', ({ step, what, done, total }) => progress.push([step, what, done, total]));
    const tenant = await manager.move('acme', { to: 'other' });
    expect(progress).toEqual([
      ['copy', 'public.house', 1, 3],
      ['copy', 'public.mikro_orm_migrations', 2, 3],
      ['copy', 'public.street', 3, 3],
    ]);
    expect(tenant).toMatchObject({ server: 'other', database: world.databaseOf('acme'), status: 'active' });
    await addHouse(manager, 'acme', 'Elm Street 3');
    await until(async () => (await another.catalog.find('acme'))?.server === 'other', 'nobody told the other process');
    await addHouse(another, 'acme', 'Elm Street 4');
    expect(await addressesOf(manager, 'acme')).toEqual([1, 2, 3, 4].map((n) => `Elm Street ${n}`));
    const [operation] = await manager.operations();
    expect(operation && stepsOf(operation)).toEqual([
      ...['status', 'let-go', 'fence', 'database', 'copy', 'verify', 'name', 'switch'],
    ]);
    const [left, ...more] = await world.databases();
    expect(more).toEqual([]);
    expect(left).toContain('_left_');
    expect(await world.databases(other.url)).toEqual([world.databaseOf('acme')]);
    expect((await manager.prune()).leftovers).toEqual([]);
    await world.query('update tenancy_leftovers set drop_after = now()');
    expect((await manager.prune()).leftovers).toMatchObject([{ server: 'default', database: left, tenantId: 'acme' }]);
    expect(await world.databases()).toEqual([]);
  }, 30_000);

  it('keeps the status that the tenant had, and goes back as well', async () => {
    await using world = await worldOfTwo();
    const manager = await world.manager();
    await manager.provision({ id: 'acme', server: 'default' });
    await addHouse(manager, 'acme', 'Elm Street 1');
    await manager.readonly('acme');
    expect(await manager.move('acme', { to: 'other' })).toMatchObject({ status: 'readonly', server: 'other' });
    await manager.resume('acme');
    expect(await manager.move('acme', { to: 'default' })).toMatchObject({ status: 'active', server: 'default' });
    expect(await addressesOf(manager, 'acme')).toEqual(['Elm Street 1']);
    await manager.drop('acme');
    expect(await world.databases()).toEqual([]);
    expect(await world.databases(other.url)).toEqual([]);
  }, 30_000);

  it('answers 503 while it lasts', async () => {
    await using world = await worldOfTwo();
    const manager = await world.manager();
    await manager.provision({ id: 'acme', server: 'default' });
    const refusals: unknown[] = [];
    manager.events.on('operation:step-done', ({ step }) => {
      if (step === 'fence') {
        manager.run('acme', () => {}).catch((error: unknown) => refusals.push(error));
      }
    });
    await manager.move('acme', { to: 'other' });
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toBeInstanceOf(TenantUnavailableError);
    expect(refusals[0]).toMatchObject({ status: 503, retryAfterSeconds: expect.any(Number) });
  }, 30_000);

  it('keeps a process away that knows nothing of it', async () => {
    await using world = await worldOfTwo();
    const manager = await world.manager();
    await manager.provision({ id: 'acme', server: 'default' });
    let reached: unknown;
    manager.events.on('operation:step-done', ({ step }) => {
      if (step === 'fence') {
        adminQuery('select 1', [], world.databaseOf('acme')).then(
          () => (reached = 'reached'),
          (error: unknown) => (reached = String(error)),
        );
      }
    });
    await manager.move('acme', { to: 'other' });
    expect(reached).toContain('does not exist');
  }, 30_000);

  it('is taken back whole where the copy is refused', async () => {
    await using world = await worldOfTwo();
    const manager = await world.manager();
    await manager.provision({ id: 'acme', server: 'default' });
    await addHouse(manager, 'acme', 'Elm Street 1');
    await adminQuery('create table by_hand (id int)', [], world.databaseOf('acme'));
    await expect(manager.move('acme', { to: 'other' })).rejects.toThrow('by_hand');
    expect(await manager.catalog.find('acme')).toMatchObject({ status: 'active', server: 'default' });
    await addHouse(manager, 'acme', 'Elm Street 2');
    expect(await addressesOf(manager, 'acme')).toHaveLength(2);
    expect(await world.databases()).toEqual([world.databaseOf('acme')]);
    expect(await world.databases(other.url)).toEqual([]);
  }, 30_000);

  it('is taken back where the other server has a database of that name', async () => {
    await using world = await worldOfTwo();
    const manager = await world.manager();
    await manager.provision({ id: 'acme', server: 'default' });
    await other.query(`create database "${world.databaseOf('acme')}"`);
    await expect(manager.move('acme', { to: 'other' })).rejects.toMatchObject({ status: 409 });
    expect(await manager.catalog.find('acme')).toMatchObject({ status: 'active', server: 'default' });
    await addHouse(manager, 'acme', 'Elm Street 1');
    expect(await world.databases(other.url)).toEqual([world.databaseOf('acme')]);
    await other.query(`drop database "${world.databaseOf('acme')}"`);
  }, 30_000);

  it('is taken back where somebody writes to the source around the library, and the copy differs', async () => {
    await using world = await worldOfTwo();
    const manager = await world.manager();
    await manager.provision({ id: 'acme', server: 'default' });
    manager.events.on('operation:step-done', ({ step }) => {
      if (step === 'copy') {
        void (async () => {
          const [left = ''] = await world.databases();
          await adminQuery("insert into house (address) values ('too late')", [], left);
        })();
      }
    });
    // What is written while the two are being compared is seen in the sequence alone, which no transaction holds still.
    const differs = expect.objectContaining({ what: expect.stringMatching(/^(?:rows|sequence)$/) });
    await expect(manager.move('acme', { to: 'other' })).rejects.toMatchObject({
      cause: { code: 'COPY_DIFFERS', differences: expect.arrayContaining([differs]) },
    });
    expect(await manager.catalog.find('acme')).toMatchObject({ status: 'active', server: 'default' });
    expect(await addressesOf(manager, 'acme')).toEqual(['too late']);
  }, 30_000);

  it('is taken back where the manager closes meanwhile', async () => {
    await using world = await worldOfTwo();
    const [manager, another] = [await world.manager(), await world.manager()];
    await manager.provision({ id: 'acme', server: 'default' });
    let closed: Promise<void> | undefined;
    manager.events.on('operation:step-done', ({ step, kind }) => {
      if (kind === 'move' && step === 'fence') {
        closed = manager.close();
      }
    });
    await expect(manager.move('acme', { to: 'other' })).rejects.toThrow('closed');
    await closed;
    await until(async () => (await another.catalog.find('acme'))?.status === 'active', 'it is not active again');
    await addHouse(another, 'acme', 'Elm Street 1');
    expect(await world.databases()).toEqual([world.databaseOf('acme')]);
    expect(await world.databases(other.url)).toEqual([]);
  }, 30_000);

  it('refuses a server that is not there, or is the same', async () => {
    await using world = await worldOfTwo();
    const manager = await world.manager();
    await manager.provision({ id: 'acme', server: 'default' });
    await expect(manager.move('acme', { to: 'mars' })).rejects.toThrow(TenancyConfigurationError);
    await expect(manager.move('acme', { to: 'default' })).rejects.toThrow('is on the server "default" already');
    expect(await manager.operations({ open: true })).toEqual([]);
  });
});

describe('placement', () => {
  it('puts new tenants where there is room, by weight', async () => {
    await using world = await worldOfTwo();
    const manager = await world.manager({
      provisioning: { placement: { servers: { default: { weight: 2 }, other: { weight: 1 } } } },
    });
    const servers: unknown[] = [];
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) {
      servers.push((await manager.provision({ id })).server);
    }
    expect(servers.filter((server) => server === 'default')).toHaveLength(4);
    expect(serverUrl()).not.toBe(other.url);
  }, 30_000);
});
