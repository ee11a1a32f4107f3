import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Migration } from '@mikro-orm/migrations';
import { type DashboardActionEvent, dashboard } from 'mikro-orm-multitenancy/dashboard';
import { DashboardServer } from '../../support/dashboard/DashboardServer.ts';
import { until } from '../../support/manager/TestTenants.ts';
import { type LifeManager, LifeWorld } from '../../support/provisioning/LifeWorld.ts';
import { LIFE_MIGRATIONS } from '../../support/provisioning/lifeOptions.ts';

/** Fails for one tenant as long as it is told to. */
let failsFor = '';
class Migration003Fails extends Migration {
  override up(): void {
    this.addSql(
      `do $$ begin if current_database() like '%_${failsFor}' then raise exception 'not here'; end if; end $$`,
    );
  }
}

describe('actions of the dashboard', () => {
  let world: LifeWorld;
  let manager: LifeManager;
  let server: DashboardServer;
  const events: DashboardActionEvent[] = [];
  beforeAll(async () => {
    world = await LifeWorld.create();
    manager = await world.manager();
    await Promise.all(['acme', 'globex'].map((id) => manager.provision({ id })));
    server = await DashboardServer.start(manager, {
      actor: async (ctx) => ctx.get('x-operator') || undefined,
      onAction: (event) => void events.push(event),
    });
  }, 120_000);
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await world?.[Symbol.asyncDispose]();
  }, 60_000);

  const at = (path: string): string => `/operators${path}`;
  const statusOf = async (id: string) => (await manager.catalog.find(id))?.status;
  const ended = (action: string): Promise<void> =>
    until(async () => events.some((one) => one.action === action && one.state !== 'begun'), `${action} goes on`);

  it('ask first, say what they do, and lead back to where it is seen', async () => {
    events.length = 0;
    const question = await server.page(at('/tenants/acme/suspend'));
    expect(question).toContain('<h1>Suspend: tenant acme?</h1>');
    expect(question).toContain('Nobody works with the tenant any more');
    expect(await statusOf('acme')).toBe('active');
    const token = await server.tokenAt(at('/tenants/acme/suspend'));
    const answer = await server.post(at('/tenants/acme/suspend'), { token }, { 'x-operator': 'ada' });
    expect(answer.status).toBe(303);
    expect(answer.headers.location).toBe('/operators/tenants/acme');
    expect(await statusOf('acme')).toBe('suspended');
    expect(events).toEqual(
      ['begun', 'done'].map((state) => ({
        ...{ action: 'suspend', tenantId: 'acme', runId: undefined, by: 'ada', error: undefined },
        state,
      })),
    );
    const page = await server.page(at('/tenants/acme'));
    expect(page).toContain('acme is suspended.');
    expect(page).toContain('<td>ada</td>');
    await server.confirm(at('/tenants/acme/resume'));
    expect(await statusOf('acme')).toBe('active');
  });

  it('are not done where they do not suit any more, and not twice', async () => {
    const token = await server.tokenAt(at('/tenants/globex/suspend'));
    expect((await server.post(at('/tenants/globex/suspend'), { token })).status).toBe(303);
    expect((await server.post(at('/tenants/globex/suspend'), { token })).status).toBe(409);
    expect((await server.send(at('/tenants/globex/readonly'))).status).toBe(409);
    await server.confirm(at('/tenants/globex/resume'));
  });

  it('want the name typed where they destroy', async () => {
    const wrong = await server.confirm(at('/tenants/globex/archive'), { name: 'acme' });
    expect(wrong.status).toBe(422);
    expect(wrong.body).toContain('Nothing was changed.');
    expect(await statusOf('globex')).toBe('active');
    events.length = 0;
    expect((await server.confirm(at('/tenants/globex/archive'), { name: ' globex ' })).status).toBe(303);
    await ended('archive');
    expect(await statusOf('globex')).toBe('archived');
    events.length = 0;
    await server.confirm(at('/tenants/globex/restore'));
    await ended('restore');
    expect(await statusOf('globex')).toBe('active');
    const page = await server.page(at('/tenants/globex'));
    expect(page).toMatch(/archive \d+<\/th>/);
    expect(page).toMatch(/restore \d+<\/th>/);
  }, 60_000);

  it('are those that the application allows: none destroys a tenant for good unless it says so', async () => {
    expect((await server.send(at('/tenants/acme/drop'))).status).toBe(404);
    await using open = await DashboardServer.start(manager, { actions: ['drop'] });
    expect((await open.send(at('/tenants/acme/drop'))).status).toBe(200);
    expect((await open.send(at('/tenants/acme/suspend'))).status).toBe(404);
    await using closed = await DashboardServer.start(manager, { actions: [] });
    expect(await closed.page(at('/tenants/acme'))).toContain('Nothing can be done from here now.');
  });

  it('are not begun where nobody can write them down', async () => {
    await using strict = await DashboardServer.start(manager, {
      onAction: () => Promise.reject(new Error('the audit log is full')),
    });
    expect((await strict.confirm(at('/tenants/acme/suspend'))).status).toBe(500);
    expect(await statusOf('acme')).toBe('active');
    expect(strict.errors).toMatchObject([{ message: 'the audit log is full' }]);
  });

  it('tell the application of a failure to note their end, which changes nothing any more', async () => {
    await using late = await DashboardServer.start(manager, {
      onAction: ({ state }) => {
        if (state !== 'begun') {
          throw new Error('the audit log is full');
        }
      },
    });
    expect((await late.confirm(at('/tenants/acme/readonly'))).status).toBe(303);
    expect(await statusOf('acme')).toBe('readonly');
    expect(late.errors).toHaveLength(1);
    await late.confirm(at('/tenants/acme/resume'));
  });

  it('migrate a tenant by a run that names who did it, and retry what failed', async () => {
    failsFor = 'acme';
    const next = await world.manager({ migrations: [...LIFE_MIGRATIONS, Migration003Fails] });
    const seen: DashboardActionEvent[] = [];
    await using pages = await DashboardServer.of(
      dashboard(next, {
        prefix: '/operators',
        authorize: () => true,
        actor: () => 'ada',
        onAction: (event) => void seen.push(event),
      }),
    );
    expect(await pages.page(at('/tenants/acme'))).toContain('behind by 1');
    const { headers } = await pages.confirm(at('/tenants/acme/migrate'));
    const runAt = headers.location ?? '';
    expect(runAt).toMatch(/^\/operators\/runs\/\d+$/);
    await until(async () => seen.length === 2, 'the run goes on');
    expect(seen[1]).toMatchObject({ action: 'migrate', tenantId: 'acme', state: 'failed', by: 'ada' });
    expect(seen[1]?.error).toContain('not here');
    const failed = await pages.page(runAt);
    expect(failed).toContain('1 of 1 tenants are settled, 1 failed.');
    expect(failed).toContain('Migration003Fails');
    expect(failed).toContain('P0001');
    expect(failed).toMatch(/<dd>ada<\/dd>/);
    const runId = runAt.split('/').at(-1) ?? '';
    expect((await next.fleet.report(runId)).by).toBe('ada');
    failsFor = 'nobody';
    const fixed = await world.manager({ migrations: [...LIFE_MIGRATIONS, Migration003Fails] });
    seen.length = 0;
    await using again = await DashboardServer.start(fixed, { onAction: (event) => void seen.push(event) });
    await again.confirm(`${runAt}/retry-run`);
    await until(async () => seen.length === 2, 'the run goes on');
    expect(seen[1]).toMatchObject({ action: 'retry-run', runId, state: 'done' });
    expect(await again.page(runAt)).toContain('1 of 1 tenants are settled, 0 failed.');
    expect(await again.page(at('/tenants/acme'))).toContain('>current<');
    expect(await again.page(at('/runs'))).toContain(`href="/operators/runs/${runId}"`);
  }, 60_000);

  it('go on with what stopped halfway, and take it back', async () => {
    let isBroken = true;
    const own = await world.manager({
      provisioning: {
        seed: async () => {
          if (isBroken) {
            throw new Error('no seed at postgresql://app:secret@db1/seeds');
          }
        },
      },
    });
    const seen: DashboardActionEvent[] = [];
    await using pages = await DashboardServer.start(own, { onAction: (event) => void seen.push(event) });
    for (const id of ['hooli', 'initech']) {
      await expect(own.provision({ id }, { onFailure: 'keep' })).rejects.toThrow('seed');
    }
    const operations = await pages.page(at('/operations'));
    expect(operations).toContain('2 operations are not over, 2 of them stopped.');
    expect(operations).toContain('no seed at postgresql://…');
    expect(operations).not.toContain('secret');
    const tenant = await pages.page(at('/tenants/hooli'));
    expect(tenant).toMatch(/<li aria-current="step">seed/);
    await pages.confirm(at('/tenants/hooli/resume-operation'));
    await until(async () => seen.length === 2, 'it goes on');
    expect(seen[1]).toMatchObject({ state: 'failed', error: expect.stringContaining('seed') });
    expect(JSON.stringify(seen)).not.toContain('secret');
    isBroken = false;
    await pages.confirm(at('/tenants/hooli/resume-operation'));
    await until(async () => seen.length === 4, 'it goes on');
    expect(await statusOf('hooli')).toBe('active');
    await pages.confirm(at('/tenants/initech/undo-operation'), { name: 'initech' });
    await until(async () => seen.length === 6, 'it goes on');
    expect(seen[5]).toMatchObject({ state: 'done' });
    expect(await manager.catalog.find('initech')).toBeUndefined();
    expect(await pages.page(at('/tenants/initech'))).toContain('initech is not in the catalogue.');
  }, 60_000);
});
