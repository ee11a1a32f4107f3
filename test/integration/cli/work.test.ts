import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CliWorld } from '../../support/cli/CliWorld.ts';

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
});
