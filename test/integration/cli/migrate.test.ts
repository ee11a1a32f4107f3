import { describe, expect, it } from '@jest/globals';
import { Migration } from '@mikro-orm/migrations';
import { CliWorld } from '../../support/cli/CliWorld.ts';
import { FLEET_MIGRATIONS, FLEET_NAMES } from '../../support/fleet/FleetWorld.ts';

class Migration004Picky extends Migration {
  override up(): void {
    this.addSql("do $$ begin if current_database() like '%_t01' then raise exception 'not here'; end if; end $$");
  }

  override down(): void {}
}

class Migration004Fixed extends Migration {
  override up(): void {
    this.addSql("insert into counter (note) values ('fixed')");
  }
}

describe('tenants migrate', () => {
  it('plans, migrates, says what failed, retries and takes back', async () => {
    await using world = await CliWorld.create(3, [...FLEET_MIGRATIONS, Migration004Picky]);
    const plan = await world.run(['migrate', '--dry-run', '--sql']);
    expect(plan.code).toBe(0);
    expect(plan.stdout).toContain(
      '-- Migration001Counter\ncreate table counter (id serial primary key, note text not null);',
    );
    expect(plan.stdout).toContain('3 tenants: 3 behind, 0 current, 0 cannot be asked.');
    expect((await world.run(['plan', 't00', '--json'])).json()).toMatchObject({ counts: { tenants: 1 } });
    const migrated = await world.run(['migrate', '--by', 'ops']);
    expect(migrated.code).toBe(1);
    expect(migrated.stdout).toMatch(/t01 +failed +1 +Migration004Picky +P0001 .*not here/);
    expect(migrated.stdout).toMatch(/Run 1 is finished. 3 tenants: 2 changed, 0 unchanged, 1 failed.\n$/);
    expect(migrated.stderr).toContain('t00: done, 4 migrations\n');
    expect(migrated.stderr).toContain('tenants migrate --retry 1');
    world.configure([...FLEET_MIGRATIONS, { name: 'Migration004Picky', class: Migration004Fixed }]);
    const retried = await world.run(['migrate', '--retry', '1', '--json']);
    expect(retried).toMatchObject({ code: 0 });
    expect(retried.json()).toMatchObject({ id: '1', state: 'finished', by: 'ops', counts: { done: 3, failed: 0 } });
    expect((await world.run(['runs'])).stdout).toMatch(/^RUN +KIND +STATE[^\n]*\n1 +migrate +finished +- +ops /);
    expect((await world.run(['runs', '1', '--json'])).json()).toMatchObject({ id: '1', counts: { done: 3 } });
    expect((await world.run(['runs', '9'])).code).toBe(1);
    expect((await world.run(['rollback', '1'])).code).toBe(2);
    world.configure([...FLEET_MIGRATIONS, Migration004Picky]);
    const back = await world.run(['rollback', '1', '--yes', '--json']);
    expect(back).toMatchObject({ code: 0 });
    expect(back.json()).toMatchObject({ id: '2', kind: 'rollback', ofRun: '1', counts: { done: 3 } });
    expect(await world.fleet.executed('t01')).toEqual([]);
  });

  it('goes by waves and asks between them on a terminal', async () => {
    await using world = await CliWorld.create(3);
    const asked = await world.run(['migrate', '--wave', 't02', '--wave', 'rest', '--ask'], {
      isTerminal: true,
      stdin: 'n\n',
    });
    expect(asked.code).toBe(1);
    expect(asked.stderr).toContain('Wave 1 of 2 is done: 0 of 1 failed. Go on with the next 2? [y/N]');
    expect(asked.stdout).toContain('stopped: wave 2 of 2 was not agreed to');
    expect(asked.stderr).toContain('tenants migrate --resume 1');
    expect(await world.fleet.executed('t02')).toEqual(FLEET_NAMES);
    expect(await world.fleet.executed('t00')).toEqual([]);
    expect(await world.run(['migrate', '--resume', '1', '--ask'], { isTerminal: true, stdin: 'y\n' })).toMatchObject({
      code: 0,
    });
    expect(await world.fleet.executed('t00')).toEqual(FLEET_NAMES);
    expect(await world.run(['migrate', '--join', '1', '--json'])).toMatchObject({ code: 0 });
  });

  it('says where the tenants stand, and makes it an exit code on request', async () => {
    await using world = await CliWorld.create(2);
    await world.run(['migrate', 't00']);
    const status = await world.run(['status']);
    expect(status.code).toBe(0);
    expect(status.stdout).toMatch(
      /t01 +default +behind +- +lacks: Migration001Counter Migration002Rows Migration003More/,
    );
    expect(status.stdout).toContain(
      '2 tenants: 1 current, 1 behind, 0 ahead, 0 cannot be asked, 0 with edited migrations.',
    );
    expect((await world.run(['status', '--check'])).code).toBe(1);
    expect((await world.run(['status', 't00', '--check', '--drift', '--json'])).json()).toMatchObject({
      counts: { tenants: 1, current: 1, drifted: 0 },
    });
    await world.fleet.query('t00', 'alter table counter add column by_hand int');
    const drifted = await world.run(['status', 't00', '--drift', '--check']);
    expect([drifted.code, drifted.stdout]).toEqual([
      1,
      expect.stringContaining('drifted: column public.counter.by_hand'),
    ]);
    expect((await world.run(['status', '--behind', '--json'])).json()).toMatchObject({
      tenants: [{ tenantId: 't01' }],
    });
  });

  it.each([2, 3, 4, 6])(
    'uses what there is of %d connections, unless it is told how many at once',
    async (maxConnections) => {
      await using world = await CliWorld.create(5);
      world.configure(FLEET_MIGRATIONS, { server: { maxConnections } });
      expect((await world.run(['plan', '--json'])).json()).toMatchObject({ counts: { behind: 5 } });
      expect((await world.run(['status', '--json'])).json()).toMatchObject({ counts: { behind: 5, failed: 0 } });
      const migrated = await world.run(['migrate', '--json']);
      expect(migrated).toMatchObject({ code: 0 });
      expect(migrated.json()).toMatchObject({ counts: { done: 5 } });
      const refused = await world.run(['rollback', '1', '--yes', '--concurrency', '5']);
      expect(refused.code).toBe(2);
      expect(refused.stderr).toContain(
        `needs 8 connections of the server, and \`maxConnections\` is ${maxConnections}`,
      );
      expect((await world.run(['rollback', '1', '--yes', '--json'])).json()).toMatchObject({ counts: { done: 5 } });
      expect(await world.fleet.executed('t04')).toEqual([]);
    },
  );

  it('finishes what is under way when it is interrupted, and says how to go on', async () => {
    await using world = await CliWorld.create(4);
    const abort = new AbortController();
    class Migration004Interrupts extends Migration {
      override up(): void {
        abort.abort();
      }
    }
    world.configure([...FLEET_MIGRATIONS, Migration004Interrupts]);
    const interrupted = await world.run(['migrate', '--concurrency', '1'], { signal: abort.signal });
    expect(interrupted.code).toBe(130);
    expect(interrupted.stderr).toContain('Interrupted. Go on with: tenants migrate --resume 1');
    expect(interrupted.stdout).toContain('4 tenants: 1 changed, 0 unchanged, 0 failed, 3 left.');
    expect(await world.run(['migrate', '--resume', '1'])).toMatchObject({ code: 0 });
    expect(await world.fleet.notes('t03')).toEqual(['002', '003']);
  });
});
