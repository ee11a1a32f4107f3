import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EntityManager } from '@mikro-orm/core';
import { Seeder } from '@mikro-orm/seeder';
import { requireTenant } from 'mikro-orm-multitenancy';
import { CliWorld } from '../../support/cli/CliWorld.ts';
import { FLEET_MIGRATIONS } from '../../support/fleet/FleetWorld.ts';
import { House } from '../../support/manager/TestTenants.ts';

class DemoSeeder extends Seeder {
  override async run(em: EntityManager): Promise<void> {
    const { id } = requireTenant();
    em.create(House, { id: 7, address: `7 ${id} Street` });
    // Another unit of work, and another tenant meanwhile.
    await new Promise(setImmediate);
    em.create(House, { id: 8, address: `8 ${requireTenant().id} Street` });
  }
}

class PickySeeder extends Seeder {
  override async run(em: EntityManager): Promise<void> {
    em.create(House, { id: 9, address: 'never flushed' });
    if (requireTenant().id === 't01') {
      throw new Error('no bricks');
    }
  }
}

describe('work in each tenant', () => {
  let world: CliWorld;
  beforeAll(async () => {
    world = await CliWorld.create(3);
    for (const id of world.fleet.ids) {
      await world.fleet.query(id, 'create table house (id int primary key, address text not null)');
      await world.fleet.query(id, 'insert into house values (1, $1)', [`1 ${id} Street`]);
    }
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it('by a statement that reads, with a row for each of theirs', async () => {
    const { code, stdout, stderr } = await world.run(['exec', 'select id, address from house']);
    expect(code).toBe(0);
    expect(stdout).toBe(
      'tenant  id  address\nt00     1   1 t00 Street\nt01     1   1 t01 Street\nt02     1   1 t02 Street\n',
    );
    expect(stderr).toContain('3 tenants: 0 failed.');
    expect((await world.run(['exec', 'select 1 as one', 't01', '--json'])).json()).toEqual([
      { tenantId: 't01', ok: true, value: [{ one: 1 }] },
    ]);
  });

  it('by a statement that writes, only where that was asked for and confirmed', async () => {
    const sql = "update house set address = address || '!'";
    const refused = await world.run(['exec', sql, '--json']);
    expect(refused.code).toBe(1);
    expect(refused.json()).toMatchObject([
      { tenantId: 't00', ok: false, error: { message: expect.stringContaining('read-only') } },
      { ok: false },
      { ok: false },
    ]);
    expect((await world.run(['exec', sql, '--write'])).code).toBe(2);
    expect((await world.run(['exec', sql, 't00', '--write', '--yes'])).code).toBe(0);
    expect(
      (await world.run(['exec', 'select address from house where address like $$%!$$', '--json'])).json(),
    ).toMatchObject([
      { tenantId: 't00', value: [{ address: '1 t00 Street!' }] },
      { tenantId: 't01', value: [] },
      { tenantId: 't02', value: [] },
    ]);
  });

  it('by a script, and one that fails stops nobody else', async () => {
    world.write(
      'count.mjs',
      `export default async (em, tenant) => {
         if (tenant.id === 't01') { throw new Error('not today'); }
         const [row] = await em.execute('select current_database() as name, count(*)::int as count from house');
         return { tenant: tenant.id, ...row };
       };`,
    );
    const { code, json, stderr } = await world.run(['run', 'count.mjs', '--json', '--concurrency', '2']);
    expect(code).toBe(1);
    expect(json()).toEqual([
      { tenantId: 't00', ok: true, value: { tenant: 't00', name: world.fleet.databaseOf('t00'), count: 1 } },
      { tenantId: 't01', ok: false, error: { message: 'not today' } },
      { tenantId: 't02', ok: true, value: { tenant: 't02', name: world.fleet.databaseOf('t02'), count: 1 } },
    ]);
    expect(stderr).toContain('t01: failed: not today');
    world.write('nothing.mjs', 'export const x = 1;');
    expect((await world.run(['run', 'nothing.mjs'])).code).toBe(2);
    expect((await world.run(['run', 'missing.mjs'])).code).toBe(2);
  });

  it('begins with nobody more once it is interrupted', async () => {
    const abort = new AbortController();
    abort.abort();
    const { code, json } = await world.run(['exec', 'select 1', '--json'], { signal: abort.signal });
    expect(code).toBe(130);
    expect(json()).toEqual([{ tenantId: 't00' }, { tenantId: 't01' }, { tenantId: 't02' }]);
  });

  it('in a shell, in whose context every line is', async () => {
    const lines = [
      'tenant.id',
      'await em.count(House)',
      'manager.current().id',
      'await manager.em.findOne(House, 1).then(({ address }) => address)',
    ];
    const { code, stdout } = await world.run(['shell', 't02'], { stdin: `${lines.join('\n')}\n` });
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toEqual(["'t02'", '1', "'t02'", "'1 t02 Street'"]);
    expect((await world.run(['shell', 'nobody'])).code).toBe(1);
  });

  describe('by a seeder', () => {
    const addresses = async (...ids: readonly number[]): Promise<unknown> => {
      const sql = `select address from house where id in (${ids.join(', ')}) order by id`;
      const rows = (await world.run(['exec', sql, '--json'])).json() as {
        readonly value: { readonly address: string }[];
      }[];
      return rows.map(({ value }) => value.map(({ address }) => address));
    };

    it('runs as each tenant, in its own database, when that was confirmed', async () => {
      world.configure(FLEET_MIGRATIONS, { orm: { seeder: { seedersList: [DemoSeeder, PickySeeder] } } });
      expect((await world.run(['seed', '--class', 'DemoSeeder'])).code).toBe(2);
      const no = await world.run(['seed', '--class', 'DemoSeeder'], { isTerminal: true, stdin: 'n\n' });
      expect([no.code, no.stderr]).toEqual([0, expect.stringContaining('Run DemoSeeder in every tenant? [y/N]')]);
      expect(await addresses(7, 8)).toEqual([[], [], []]);
      const some = await world.run(['seed', 't00', 't02', '--class', 'DemoSeeder', '--yes', '--json']);
      expect([some.code, some.json()]).toEqual([
        0,
        [
          { tenantId: 't00', ok: true },
          { tenantId: 't02', ok: true },
        ],
      ]);
      expect(await addresses(7, 8)).toEqual([['7 t00 Street', '8 t00 Street'], [], ['7 t02 Street', '8 t02 Street']]);
    });

    it('that fails in one tenant writes nothing there, and stops nobody else', async () => {
      world.configure(FLEET_MIGRATIONS, { orm: { seeder: { seedersList: [DemoSeeder, PickySeeder] } } });
      const { code, json, stderr } = await world.run(['seed', '--class', 'PickySeeder', '--yes', '--json']);
      expect(code).toBe(1);
      expect(json()).toMatchObject([{ ok: true }, { ok: false, error: { message: 'no bricks' } }, { ok: true }]);
      expect(stderr).toContain('t01: failed: no bricks');
      expect(await addresses(9)).toEqual([['never flushed'], [], ['never flushed']]);
    });

    it('is found in the folder of `orm.seeder.path`, or it is said where there is none', async () => {
      const path = join(world.folder, 'seeders');
      world.configure(FLEET_MIGRATIONS, { orm: { seeder: { path, glob: '*.mjs' } } });
      world.write(
        'seeders/FolderSeeder.mjs',
        "export class FolderSeeder { run(em) { em.create('House', { id: 10, address: em.config.get('dbName') }); } }",
      );
      expect(await world.run(['seed', 't01', '--class', 'FolderSeeder', '--yes'])).toMatchObject({ code: 0 });
      expect(await addresses(10)).toEqual([[], [world.fleet.databaseOf('t01')], []]);
      const missing = await world.run(['seed', 't01', '--class', 'NoSeeder', '--yes']);
      expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('NoSeeder not found')]);
    });
  });
});
