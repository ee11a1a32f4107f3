import { describe, expect, it } from '@jest/globals';
import { Migration } from '@mikro-orm/migrations';
import type { EntityManager } from '@mikro-orm/postgresql';
import { adminQuery, dropDatabase } from '../../support/databases.ts';
import { House } from '../../support/manager/TestTenants.ts';
import { LifeWorld } from '../../support/provisioning/LifeWorld.ts';
import { LIFE_MIGRATIONS } from '../../support/provisioning/lifeOptions.ts';

class Migration003Door extends Migration {
  override up(): void {
    this.addSql('create table door (id int)');
  }
}

async function templatesOf(world: LifeWorld): Promise<string[]> {
  const rows = await adminQuery<{ name: string }>(
    'select datname as name from pg_database where starts_with(datname, $1) order by 1',
    [`${await world.ownPrefix()}_template_`],
  );
  return rows.map(({ name }) => name);
}

describe('the template database', () => {
  it('is built once, however many processes need it at the same time', async () => {
    await using world = await LifeWorld.create();
    const managers = await Promise.all(Array.from({ length: 4 }, () => world.manager()));
    await Promise.all(managers.map((manager, n) => manager.provision({ id: `t${n}` })));
    expect(await templatesOf(world)).toHaveLength(1);
    for (const n of [0, 1, 2, 3]) {
      const streets = await adminQuery('select name from street', [], world.databaseOf(`t${n}`));
      expect(streets).toEqual([{ name: 'first street' }]);
    }
    expect(await world.databases()).toEqual([0, 1, 2, 3].map((n) => world.databaseOf(`t${n}`)));
  });

  it('takes no connection', async () => {
    await using world = await LifeWorld.create();
    await (await world.manager()).provision({ id: 'acme' });
    const [template = ''] = await templatesOf(world);
    await expect(adminQuery('select 1', [], template)).rejects.toThrow('not currently accepting connections');
  });

  it('has what `prepare` writes, once', async () => {
    await using world = await LifeWorld.create();
    const prepare = async (em: { create(entity: unknown, data: object): void }): Promise<void> => {
      em.create(House, { address: 'everybody has it' });
    };
    const manager = await world.manager({ provisioning: { template: { prepare: prepare as never } } });
    await manager.provision({ id: 'acme' });
    await manager.provision({ id: 'globex' });
    expect(await manager.run('acme', (em) => em.count(House))).toBe(1);
    expect(await manager.run('globex', (em) => em.count(House))).toBe(1);
  });

  it('is another one where the migrations are, and the old one goes when nobody has used it for a while', async () => {
    await using world = await LifeWorld.create();
    const old = await world.manager();
    await old.provision({ id: 'acme' });
    const [first = ''] = await templatesOf(world);
    const migrations = [...LIFE_MIGRATIONS, Migration003Door];
    const manager = await world.manager({ migrations, provisioning: { template: { keepTemplatesMs: 60_000 } } });
    await manager.provision({ id: 'globex' });
    expect(await adminQuery('select * from door', [], world.databaseOf('globex'))).toEqual([]);
    expect(await templatesOf(world)).toHaveLength(2);
    expect((await manager.prune()).templates).toEqual([]);
    const later = await world.manager({ migrations, provisioning: { template: { keepTemplatesMs: 0 } } });
    expect((await later.prune()).templates).toEqual([first]);
    expect(await templatesOf(world)).toHaveLength(1);
    // The old release is still there, and makes its own again.
    await old.provision({ id: 'initech' });
    expect(await templatesOf(world)).toContain(first);
  });

  it('takes what was left half built beside it along, when it is old', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    const [template = ''] = await templatesOf(world);
    const left = template.replace('_template_', '_building_');
    await adminQuery(`create database "${left}"`);
    await adminQuery(`comment on database "${left}" is 'building since ${new Date(0).toISOString()}'`);
    expect((await manager.prune()).templates).toEqual([left]);
    expect(await templatesOf(world)).toEqual([template]);
  });

  it('is made again where somebody has dropped it', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    const [template = ''] = await templatesOf(world);
    await adminQuery(`alter database "${template}" allow_connections true`);
    await dropDatabase(template);
    await manager.provision({ id: 'globex' });
    expect(await templatesOf(world)).toEqual([template]);
  });

  it('is not left half built where a migration fails', async () => {
    await using world = await LifeWorld.create();
    class Migration003Broken extends Migration {
      override up(): void {
        this.addSql('select * from nowhere');
      }
    }
    const broken = await world.manager({ migrations: [...LIFE_MIGRATIONS, Migration003Broken] });
    await expect(broken.provision({ id: 'acme' })).rejects.toThrow('nowhere');
    expect(await templatesOf(world)).toEqual([]);
    expect(await broken.catalog.find('acme')).toBeUndefined();
  });

  it('is copied by files, or cloned, where it is large', async () => {
    await using world = await LifeWorld.create();
    const prepare = async (em: EntityManager): Promise<void> => {
      await em.execute("insert into house (address) select repeat('x', 7000) || n from generate_series(1, 100) n");
      await em.execute(
        'create table bulk as select n, md5(n::text) || md5((n + 1)::text) as text from generate_series(1, 900000) n',
      );
    };
    const manager = await world.manager({ provisioning: { template: { prepare, version: 'large' } } });
    await manager.provision({ id: 'acme' });
    const [template = ''] = await templatesOf(world);
    const [size] = await adminQuery<{ bytes: string }>('select pg_database_size($1) as bytes', [template]);
    expect(Number(size?.bytes)).toBeGreaterThan(64 * 1024 * 1024);
    expect(await manager.run('acme', (em) => em.count(House))).toBe(100);
    expect(await adminQuery('select count(*)::int as count from bulk', [], world.databaseOf('acme'))).toEqual([
      { count: 900_000 },
    ]);
  }, 60_000);
});
