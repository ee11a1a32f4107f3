import { describe, expect, it } from '@jest/globals';
import { Migration } from '@mikro-orm/migrations';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  OperationRequestError,
  StaticCatalog,
  TenancyConfigurationError,
  type Tenant,
  TenantConflictError,
  TenantOperationError,
  TenantOperationUnderwayError,
  TenantOrmManager,
} from 'mikro-orm-multitenancy';
import { adminQuery, createDatabase, dropDatabase, serverUrl, uniqueName } from '../../support/databases.ts';
import { House } from '../../support/manager/TestTenants.ts';
import { LifeWorld, stepsOf } from '../../support/provisioning/LifeWorld.ts';
import { LIFE_MIGRATIONS } from '../../support/provisioning/lifeOptions.ts';

describe('provision', () => {
  it('makes a tenant that works at once', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    const tenant = await manager.provision({ id: 'acme', domains: ['acme.com'] });
    const database = world.databaseOf('acme');
    expect(tenant).toMatchObject({ id: 'acme', status: 'active', database, domains: ['acme.com'] });
    const houses = await manager.run('acme', async (em) => {
      em.create(House, { address: 'Elm Street 1' });
      await em.flush();
      return em.fork().find(House, {});
    });
    expect(houses).toHaveLength(1);
    await manager.provision({ id: 'globex' });
    expect(await manager.run('globex', (em) => em.count(House))).toBe(0);
    expect(await world.databases()).toEqual([database, world.databaseOf('globex')]);
    expect(await manager.migrator('globex').getPending()).toEqual([]);
  });

  it('writes down what it did, and says so', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager({ provisioning: { seed: () => {} } });
    const heard: string[] = [];
    manager.events.on('operation:started', ({ kind }) => heard.push(kind));
    manager.events.on('operation:step-done', ({ step }) => heard.push(step));
    manager.events.on('operation:ended', ({ state }) => heard.push(state));
    await manager.provision({ id: 'acme' });
    const [operation] = await manager.operations();
    expect(operation).toMatchObject({ kind: 'provision', tenantId: 'acme', state: 'done' });
    expect(operation && stepsOf(operation)).toEqual(['row', 'database', 'seed', 'active']);
    expect(heard).toEqual(['provision', 'database', 'seed', 'active', 'done']);
  });

  it('closes the database to everybody but its owner', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    // Not by its list of rights: where that is missing, everybody may connect.
    const [row] = await adminQuery<{ open: boolean }>(
      "select has_database_privilege('public', $1, 'connect') as open",
      [world.databaseOf('acme')],
    );
    expect(row?.open).toBe(false);
  });

  it('makes one tenant however many ask for it at the same time, also in several processes', async () => {
    await using world = await LifeWorld.create();
    const managers = [await world.manager(), await world.manager()];
    const attempts = managers.flatMap((manager) => Array.from({ length: 5 }, () => manager.provision({ id: 'acme' })));
    const results = await Promise.allSettled(attempts);
    const failures = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason as Error);
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(1);
    for (const failure of failures) {
      expect([TenantOperationUnderwayError, TenantConflictError]).toContain(failure.constructor);
    }
    expect(await world.databases()).toEqual([world.databaseOf('acme')]);
    expect(await world.query('select id from tenancy_tenants')).toEqual([{ id: 'acme' }]);
  });

  it('leaves nothing where the seed fails', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager({
      provisioning: {
        seed: async (em) => {
          em.create(House, { address: 'a house' });
          await em.flush();
          throw new Error('no more bricks');
        },
      },
    });
    const failure = manager.provision({ id: 'acme' });
    await expect(failure).rejects.toThrow(TenantOperationError);
    await expect(failure).rejects.toThrow(
      'Tenant "acme": its provision failed at the step "seed": no more bricks. Everything was taken back.',
    );
    expect(await world.databases()).toEqual([]);
    expect(await manager.catalog.find('acme')).toBeUndefined();
    const [operation] = await manager.operations();
    expect(operation).toMatchObject({ state: 'undone', error: { step: 'seed', message: 'no more bricks' } });
  });

  it('keeps what it has where that is asked for, and goes on there', async () => {
    await using world = await LifeWorld.create();
    let fails = true;
    const seed = async (): Promise<void> => {
      if (fails) {
        throw new Error('no more bricks');
      }
    };
    const manager = await world.manager({ provisioning: { seed } });
    await expect(manager.provision({ id: 'acme' }, { onFailure: 'keep' })).rejects.toThrow('It stands there');
    expect(await world.databases()).toEqual([world.databaseOf('acme')]);
    await expect(manager.run('acme', () => {})).rejects.toMatchObject({ code: 'TENANT_UNAVAILABLE', status: 503 });
    await expect(manager.drop('acme')).rejects.toThrow(TenantOperationUnderwayError);
    await expect(manager.provision({ id: 'acme', domains: ['acme.com'] })).rejects.toThrow(OperationRequestError);
    fails = false;
    expect(await manager.provision({ id: 'acme' })).toMatchObject({ status: 'active' });
    expect(await world.databases()).toEqual([world.databaseOf('acme')]);
  });

  it('takes back what it has kept', async () => {
    await using world = await LifeWorld.create();
    const seed = (): void => {
      throw new Error('no more bricks');
    };
    const manager = await world.manager({ provisioning: { seed } });
    await expect(manager.provision({ id: 'acme' }, { onFailure: 'keep' })).rejects.toThrow('no more bricks');
    expect(await manager.undoOperation('acme')).toMatchObject({ state: 'undone' });
    expect(await world.databases()).toEqual([]);
    expect(await manager.catalog.find('acme')).toBeUndefined();
    await expect(manager.undoOperation('acme')).rejects.toMatchObject({ code: 'OPERATION_NOT_FOUND' });
  });

  it('does not touch a database of the same name that is not its own', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await createDatabase(world.databaseOf('acme'), ['create table precious (id int)']);
    const failure = manager.provision({ id: 'acme' });
    await expect(failure).rejects.toMatchObject({ code: 'TENANT_OPERATION_FAILED', status: 409 });
    await expect(failure).rejects.toThrow('is taken already');
    expect(await adminQuery('select count(*)::int from precious', [], world.databaseOf('acme'))).toHaveLength(1);
    expect(await world.databases()).toEqual([world.databaseOf('acme')]);
    expect(await manager.catalog.find('acme')).toBeUndefined();
  });

  it.each([
    [{ id: 'Acme' }, 'is no tenant id'],
    [{ id: 'acme', server: 'mars' }, 'none of `servers` (default)'],
    [{ id: 'acme', status: 'archived' as const }, 'cannot begin as "archived"'],
    [{ id: 'acme', database: 'a'.repeat(64) }, 'has 64 bytes'],
    [{ id: 'www' }, 'is reserved'],
    [{ id: 'acme', domains: ['com'] }, 'belongs to nobody'],
  ])('refuses %j before anything is there', async (tenant, why) => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await expect(manager.provision(tenant)).rejects.toThrow(TenancyConfigurationError);
    await expect(manager.provision(tenant)).rejects.toThrow(why);
    expect(await world.databases()).toEqual([]);
    expect(await manager.operations()).toEqual([]);
  });

  it('refuses a name that the library may give a database of its own', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    const database = `${await world.ownPrefix()}_new_1`;
    await expect(manager.provision({ id: 'acme', database })).rejects.toThrow("this library's own databases");
  });

  it('refuses an id that is taken', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    await expect(manager.provision({ id: 'acme' })).rejects.toThrow(TenantConflictError);
    expect(await manager.run('acme', (em) => em.count(House))).toBe(0);
  });

  it('calls the hook as the tenant, in its context, before others can use it', async () => {
    await using world = await LifeWorld.create();
    const seen: unknown[] = [];
    const manager: Awaited<ReturnType<typeof world.manager>> = await world.manager({
      provisioning: {
        onProvisioned: async (em, tenant, { operationId }) => {
          const [row] = await em.execute<{ name: string }[]>('select current_database() as name');
          seen.push(tenant.id, tenant.status, row?.name, manager.current()?.id, typeof operationId);
          await manager.run('outer', async () => seen.push(manager.current()?.id)).catch(() => seen.push('none'));
        },
      },
    });
    await manager.provision({ id: 'acme' });
    expect(seen).toEqual(['acme', 'provisioning', world.databaseOf('acme'), 'acme', 'string', 'none']);
  });

  it('runs as the new tenant inside of another one, which is back afterwards', async () => {
    await using world = await LifeWorld.create();
    const seed = (em: EntityManager): void => void em.create(House, { address: 'seeded' });
    const manager = await world.manager({ provisioning: { seed } });
    await manager.provision({ id: 'outer' });
    await manager.run('outer', async (em) => {
      await manager.provision({ id: 'inner' });
      expect(manager.current()?.id).toBe('outer');
      expect(await em.count(House)).toBe(1);
    });
    expect(await manager.run('inner', (em) => em.count(House))).toBe(1);
  });

  it('seeds by a class of @mikro-orm/seeder', async () => {
    await using world = await LifeWorld.create();
    class HouseSeeder {
      async run(em: { create(entity: unknown, data: object): void }): Promise<void> {
        em.create(House, { address: 'by a seeder' });
      }
    }
    const manager = await world.manager({ provisioning: { seed: HouseSeeder as never } });
    await manager.provision({ id: 'acme' });
    expect(await manager.run('acme', (em) => em.findAll(House))).toMatchObject([{ address: 'by a seeder' }]);
  });

  it('works without a central database: the same steps, and nothing is written down', async () => {
    const database = uniqueName('alone');
    const manager = await TenantOrmManager.init({
      orm: { entities: [House], migrations: { migrationsList: LIFE_MIGRATIONS as never } },
      server: serverUrl(),
      catalog: new StaticCatalog<Tenant>([]),
      provisioning: {
        template: { version: database, keepTemplatesMs: 0 },
        seed: (em) => void em.create(House, { address: 'one' }),
      },
    });
    try {
      const tenant = await manager.provision({ id: 'alone', database });
      expect(tenant).toMatchObject({ id: 'alone', database, server: 'default' });
      expect(await adminQuery('select address from house', [], database)).toEqual([{ address: 'one' }]);
      await expect(manager.provision({ id: 'alone', database })).rejects.toThrow('is taken already');
      await expect(manager.suspend('alone')).rejects.toThrow('central');
    } finally {
      await manager.close();
      await dropDatabase(database);
      const templates = await adminQuery<{ datname: string }>(
        "select datname from pg_database where datname like 'tenancy\\_37a8eec1\\_template\\_%'",
      );
      for (const { datname } of templates) {
        await dropDatabase(datname);
      }
    }
  });

  it('migrates a tenant whose provision a newer release finishes', async () => {
    await using world = await LifeWorld.create();
    const seed = (): void => {
      throw new Error('the old release fails');
    };
    const old = await world.manager({ provisioning: { seed } });
    await expect(old.provision({ id: 'acme' }, { onFailure: 'keep' })).rejects.toThrow('the old release fails');
    class Migration003Door extends Migration {
      override up(): void {
        this.addSql('create table door (id int)');
      }
    }
    const migrations = [...LIFE_MIGRATIONS, Migration003Door];
    const manager = await world.manager({ migrations, provisioning: { seed: () => {} } });
    await manager.provision({ id: 'acme' });
    expect(await manager.migrator('acme').getPending()).toEqual([]);
    expect(await adminQuery('select * from door', [], world.databaseOf('acme'))).toEqual([]);
  });
});
