import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Migration } from '@mikro-orm/migrations';
import { StaticCatalog, type Tenant, type TenantCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { DashboardServer } from '../../support/dashboard/DashboardServer.ts';
import { serverUrl } from '../../support/databases.ts';
import { FLEET_MIGRATIONS, FleetWorld } from '../../support/fleet/FleetWorld.ts';
import { House, until } from '../../support/manager/TestTenants.ts';
import { freePort } from '../../support/postgres.ts';

const HOSTILE = `"><img src=x onerror=alert(1)><script>alert('2')</script>\u202e\u0000`;
const TAG = /<(?:img|script>)/;

class Migration004Hostile extends Migration {
  override up(): void {
    this.addSql(`do $$ begin raise exception '"><img src=x onerror=alert(1)> postgresql://app:S3cret@db1/x'; end $$`);
  }
}

describe('pages of the dashboard', () => {
  let world: FleetWorld;
  beforeAll(async () => {
    world = await FleetWorld.create(3);
  }, 120_000);
  afterAll(async () => world?.[Symbol.asyncDispose](), 60_000);

  const PAGES = ['', '/servers', '/runs', '/operations', '/tenants/t00'];

  it('show tenants with their versions, connections and waiters', async () => {
    const manager = await world.manager();
    await using server = await DashboardServer.start(manager);
    await manager.migrator('t00').up();
    await using lease = await manager.acquire('t00');
    const [began, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const held = lease.run(async (em) =>
      em.transactional(async (inner) => {
        await inner.execute('select 1');
        began.resolve();
        await release.promise;
      }),
    );
    await began.promise;
    const body = await server.page('/operators');
    release.resolve();
    await held;
    expect(body).toMatch(
      />t00<\/a><\/th><td>.*active.*<\/td><td>default<\/td><td>.*current.*Migration003More.*<\/td><td>1<\/td><td>0<\/td><td>0<\/td>/,
    );
    expect(body).toMatch(/>t01<\/a>.*behind by 3/);
    expect(body).toContain('<dt>Connections in use</dt><dd>1</dd>');
    expect(await server.page('/operators?q=t01')).not.toContain('>t00</a>');
    expect(await server.page('/operators?status=suspended')).toContain('there is none.');
  });

  it('lead from page to page of many tenants', async () => {
    const manager = await world.manager();
    await using server = await DashboardServer.start(manager, { tenantsPerPage: 2 });
    const first = await server.page('/operators?q=t');
    expect(first).toContain('href="/operators/?q=t&amp;after=t01" rel="next"');
    const second = await server.page('/operators/?q=t&after=t01');
    expect(second).toContain('>t02</a>');
    expect(second).not.toContain('rel="next"');
    expect(second).toContain('href="/operators/?q=t">First page');
  });

  it('escape whatever a catalogue gives, and what failed says', async () => {
    const tenant = { id: HOSTILE, database: HOSTILE, server: HOSTILE, status: HOSTILE, domains: [HOSTILE] };
    const hostile: TenantCatalog = {
      find: async (id) => ({ ...tenant, id }) as unknown as Tenant,
      findByDomain: async () => undefined,
      list: async () => ({ tenants: [tenant as unknown as Tenant], next: HOSTILE }),
    };
    const manager = await TenantOrmManager.init({ orm: { entities: [House] }, server: serverUrl(), catalog: hostile });
    await using server = await DashboardServer.start(manager, {
      title: HOSTILE.slice(0, 60),
      details: () => ({ [HOSTILE]: HOSTILE }),
    });
    const query = encodeURIComponent(HOSTILE);
    for (const path of ['', `?q=${query}`, `?after=${query}`, `?status=${query}`, '/tenants/acme', '/servers']) {
      const body = await server.page(`/operators${path}`);
      expect(body).not.toMatch(TAG);
      expect(body).not.toMatch(/\u202e|(?![\n])\p{Cc}/u);
    }
    expect(await server.page('/operators/tenants/acme')).toContain('&lt;img src=x');
    const unknown = await server.send(`/operators/tenants/${query}`);
    expect(unknown.status).toBe(404);
    expect(unknown.body).not.toMatch(TAG);
    await manager.close();
  });

  it('escape the messages of runs that failed, without the addresses in them', async () => {
    const manager = await world.manager({ migrations: [...FLEET_MIGRATIONS, Migration004Hostile] });
    await using server = await DashboardServer.start(manager);
    const { id = '' } = await manager.fleet.migrate({ ids: ['t02'], by: HOSTILE.replace('\u0000', '') });
    const body = await server.page(`/operators/runs/${id}`);
    expect(body).toContain('&lt;img src=x onerror=alert(1)&gt; postgresql://…');
    for (const page of [body, await server.page('/operators/runs')]) {
      expect(page).not.toMatch(TAG);
      expect(page).not.toContain('S3cret');
    }
  });

  it('name no address and no password of any server, also of one that is away', async () => {
    const url = `postgresql://app:S3cret@127.0.0.1:${await freePort()}`;
    const manager = await TenantOrmManager.init({
      orm: { entities: [House], migrations: { migrationsList: [...FLEET_MIGRATIONS] } },
      servers: { default: serverUrl(), away: url },
      catalog: new StaticCatalog([
        { id: 't00', database: world.databaseOf('t00') },
        { id: 'lost', database: 'lost', server: 'away' },
      ]),
    });
    await expect(manager.run('lost', (em) => em.execute('select 1'))).rejects.toThrow();
    await using server = await DashboardServer.start(manager);
    for (const path of [...PAGES, '/tenants/lost']) {
      const body = await server.page(`/operators${path}`);
      expect(body).not.toContain('S3cret');
      expect(body).not.toContain('postgresql://');
    }
    expect(await server.page('/operators')).toMatch(/>lost<\/a>.*no answer/);
    await manager.close();
  });

  it('say what is missing without a central database, and migrate a tenant all the same', async () => {
    const catalog = new StaticCatalog([{ id: 't01', database: world.databaseOf('t01') }]);
    const manager = await world.managerOver(catalog);
    await using server = await DashboardServer.start(manager);
    expect(await server.page('/operators/runs')).toContain('this application has none');
    const tenant = await server.page('/operators/tenants/t01');
    expect(tenant).toContain('its catalogue cannot be changed from here');
    expect(tenant).not.toContain('>Suspend<');
    expect(tenant).not.toContain('>Archive<');
    expect((await server.send('/operators/runs/1')).status).toBe(404);
    const { headers } = await server.confirm('/operators/tenants/t01/migrate');
    expect(headers.location).toBe('/operators/tenants/t01');
    await until(
      async () => (await server.page('/operators/tenants/t01')).includes('>current<'),
      'the tenant is behind',
    );
    expect(await world.notes('t01')).toEqual(['002', '003']);
  });

  it('show the servers while the central database is away, and tell the application of the rest', async () => {
    const manager = await TenantOrmManager.init({
      orm: { entities: [House] },
      server: serverUrl(),
      central: { database: 'nowhere', server: `postgresql://app:S3cret@127.0.0.1:${await freePort()}` },
    });
    await using server = await DashboardServer.start(manager);
    expect(await server.page('/operators/servers')).toContain('the central database');
    const { status, body } = await server.send('/operators');
    expect(status).toBeGreaterThanOrEqual(500);
    expect(body).not.toContain('S3cret');
    expect(server.errors).toHaveLength(1);
    await manager.close();
  });
});
