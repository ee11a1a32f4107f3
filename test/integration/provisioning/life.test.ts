import { describe, expect, it } from '@jest/globals';
import { TenantNotFoundError, TenantStatusError, TenantUnavailableError } from 'mikro-orm-multitenancy';
import { adminQuery } from '../../support/databases.ts';
import { House, until } from '../../support/manager/TestTenants.ts';
import { LifeWorld } from '../../support/provisioning/LifeWorld.ts';

const exists = async (database: string): Promise<boolean> =>
  (await adminQuery('select 1 from pg_database where datname = $1', [database])).length > 0;

describe('suspend, readonly, maintenance and resume', () => {
  it('change what the tenant may do, in every process', async () => {
    await using world = await LifeWorld.create();
    const [manager, other] = [await world.manager(), await world.manager()];
    await manager.provision({ id: 'acme' });
    await other.run('acme', (em) => em.count(House));
    expect(await manager.suspend('acme')).toMatchObject({ status: 'suspended' });
    await expect(manager.run('acme', () => {})).rejects.toThrow(TenantUnavailableError);
    await until(async () => (await other.catalog.find('acme'))?.status === 'suspended', 'the other one did not hear');
    await expect(other.run('acme', () => {})).rejects.toThrow(TenantUnavailableError);
    await manager.readonly('acme');
    const write = manager.run('acme', async (em) => {
      em.create(House, { address: 'not now' });
      await em.flush();
    });
    await expect(write).rejects.toMatchObject({ code: 'TENANT_READ_ONLY' });
    await manager.maintenance('acme');
    await expect(manager.run('acme', () => {})).rejects.toMatchObject({ status: 503 });
    await manager.resume('acme');
    expect(await manager.run('acme', (em) => em.count(House))).toBe(0);
  });

  it('are refused for a tenant that is archived, or on which something is under way', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    await manager.archive('acme');
    await expect(manager.resume('acme')).rejects.toThrow(TenantStatusError);
    await expect(manager.suspend('acme')).rejects.toThrow('is archived');
    const stuck = await world.manager({
      provisioning: {
        seed: () => {
          throw new Error('stuck');
        },
      },
    });
    await expect(stuck.provision({ id: 'globex' }, { onFailure: 'keep' })).rejects.toThrow('stuck');
    await expect(stuck.resume('globex')).rejects.toThrow('Its provision is not over');
    await expect(stuck.suspend('nobody')).rejects.toThrow(TenantNotFoundError);
  });
});

describe('a status', () => {
  it('is not changed under an operation that is not over', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    await manager.archive('acme');
    const stop = new AbortController();
    manager.events.on('operation:step-done', ({ kind, step }) => {
      if (kind === 'restore' && step === 'open') {
        stop.abort(new Error('cut off'));
      }
    });
    const cut = manager.restore('acme', { signal: stop.signal, onFailure: 'keep' });
    await expect(cut).rejects.toThrow('cut off');
    expect(await manager.catalog.find('acme')).toMatchObject({ status: 'maintenance' });
    await expect(manager.resume('acme')).rejects.toThrow('Its restore is not over');
    await expect(manager.rotatePassword('acme')).rejects.toThrow('Give `roles`');
    await manager.restore('acme');
    expect(await manager.resume('acme')).toMatchObject({ status: 'active' });
  });
});

describe('archive and restore', () => {
  it('close the database to everybody, keep it, and open it again as it was', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    await manager.run('acme', async (em) => {
      em.create(House, { address: 'Elm Street 1' });
      await em.flush();
    });
    await manager.readonly('acme');
    expect(await manager.archive('acme')).toMatchObject({ status: 'archived' });
    await expect(adminQuery('select 1', [], world.databaseOf('acme'))).rejects.toThrow('not currently accepting');
    await expect(manager.run('acme', () => {})).rejects.toThrow(TenantUnavailableError);
    expect(await manager.restore('acme')).toMatchObject({ status: 'readonly' });
    expect(await manager.run('acme', (em) => em.count(House))).toBe(1);
    await expect(manager.restore('acme')).rejects.toThrow(TenantStatusError);
  });

  it('bring what comes back to the schema of today', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    await manager.migrator('acme').getPending();
    await manager.archive('acme');
    await expect(manager.migrator('acme').up()).rejects.toThrow(TenantUnavailableError);
    await manager.restore('acme');
    expect(await manager.migrator('acme').getPending()).toEqual([]);
  });
});

describe('prune', () => {
  it('drops archived tenants whose time is over, and nobody else', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    for (const id of ['gone', 'kept', 'back', 'live']) {
      await manager.provision({ id });
    }
    await manager.archive('gone', { keepMs: 0 });
    await manager.archive('kept', { keepMs: 60_000 });
    await manager.archive('back', { keepMs: 0 });
    await manager.restore('back');
    await manager.archive('back', { keepMs: 60_000 });
    expect((await manager.prune()).tenants).toEqual(['gone']);
    expect(await manager.catalog.find('gone')).toBeUndefined();
    expect(await world.databases()).toEqual(['back', 'kept', 'live'].map((id) => world.databaseOf(id)));
  });
});

describe('drop', () => {
  it('leaves no database and no row, and lets another tenant have the id', async () => {
    await using world = await LifeWorld.create();
    const [manager, other] = [await world.manager(), await world.manager()];
    await manager.provision({ id: 'acme', domains: ['acme.com'] });
    await other.run('acme', async (em) => {
      em.create(House, { address: 'of the first one' });
      await em.flush();
    });
    await manager.drop('acme');
    expect(await exists(world.databaseOf('acme'))).toBe(false);
    expect(await manager.catalog.find('acme')).toBeUndefined();
    expect(await manager.catalog.findByDomain('acme.com')).toBeUndefined();
    await expect(manager.drop('acme')).rejects.toThrow(TenantNotFoundError);
    await manager.provision({ id: 'acme' });
    await until(async () => (await other.catalog.find('acme')) !== undefined, 'the other one did not hear');
    expect(await other.run('acme', (em) => em.count(House))).toBe(0);
  });

  it('lets work that is under way in another process finish, and takes no new work', async () => {
    await using world = await LifeWorld.create();
    const [manager, other] = [await world.manager(), await world.manager()];
    await manager.provision({ id: 'acme' });
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const work = other.run('acme', (em) =>
      em.transactional(async (inner) => {
        await inner.count(House);
        begin();
        await until(async () => (await other.catalog.find('acme'))?.status === 'dropping', 'nobody drops it');
        await inner.execute("insert into house (address) values ('the last one')");
        return 'finished';
      }),
    );
    await begun;
    await manager.drop('acme');
    await expect(work).resolves.toBe('finished');
    await expect(other.run('acme', () => {})).rejects.toThrow();
  });

  it('does not wait for longer than `drainTimeoutMs` for work that does not end', async () => {
    await using world = await LifeWorld.create();
    const options = { provisioning: { drainTimeoutMs: 100 } };
    const [manager, other] = [await world.manager(options), await world.manager(options)];
    await manager.provision({ id: 'acme' });
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const work = other.run('acme', async (em) => {
      const sleep = em.execute('select pg_sleep(60)');
      begin();
      await sleep;
    });
    const failure = expect(work).rejects.toThrow();
    await begun;
    await manager.drop('acme');
    await failure;
    expect(await exists(world.databaseOf('acme'))).toBe(false);
  });

  it('is not for a tenant in the middle of a run that drops itself to hang', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager({ provisioning: { drainTimeoutMs: 100 } });
    await manager.provision({ id: 'acme' });
    await manager.run('acme', async () => {
      await manager.drop('acme');
    });
    expect(await exists(world.databaseOf('acme'))).toBe(false);
  });
});

describe('rename', () => {
  it('gives the tenant another id, and its data stays', async () => {
    await using world = await LifeWorld.create();
    const [manager, other] = [await world.manager(), await world.manager()];
    await manager.provision({ id: 'acme', domains: ['acme.com'] });
    await other.run('acme', async (em) => {
      em.create(House, { address: 'Elm Street 1' });
      await em.flush();
    });
    const tenant = await manager.rename('acme', 'acme-inc');
    expect(tenant).toMatchObject({ id: 'acme-inc', database: world.databaseOf('acme'), domains: ['acme.com'] });
    await expect(manager.run('acme', () => {})).rejects.toThrow(TenantNotFoundError);
    expect(await manager.run('acme-inc', (em) => em.count(House))).toBe(1);
    await until(async () => (await other.catalog.find('acme')) === undefined, 'the other one did not hear');
    await expect(other.run('acme', () => {})).rejects.toThrow(TenantNotFoundError);
  });

  it('does not take another tenant’s id', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    await manager.provision({ id: 'globex' });
    await expect(manager.rename('acme', 'globex')).rejects.toMatchObject({ code: 'TENANT_CONFLICT' });
    await expect(manager.rename('acme', 'Globex')).rejects.toThrow('is no tenant id');
    await expect(manager.rename('nobody', 'somebody')).rejects.toThrow(TenantNotFoundError);
    expect(await manager.operations({ open: true })).toEqual([]);
  });
});
