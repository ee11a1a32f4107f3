import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sessionsIn } from '../../test/support/databases.ts';
import { until } from '../../test/support/manager/TestTenants.ts';
import { House } from '../entities/House.ts';
import { prepareTenants } from '../prepareTenants.ts';
import { DEMO_TENANTS } from '../tenants.ts';
import { ExampleServer } from './ExampleServer.ts';

const IDS = DEMO_TENANTS.map(({ id }) => id);

describe('the tenants of the example', () => {
  let server: ExampleServer;

  beforeAll(async () => {
    server = await ExampleServer.start();
  });

  beforeEach(async () => {
    for (const id of IDS) {
      await server.manager.run(id, async (em) => {
        await em.execute('truncate "house" restart identity');
        em.create(House, { address: `First of ${id}`, description: '' });
        await em.flush();
      });
    }
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    expect(server.errors).toEqual([]);
    expect(server.manager.stats().leases).toBe(0);
    const databases = server.tenants.map(({ database }) => database);
    await until(async () => (await sessionsIn(databases)) === 0, 'a session is left');
  });

  it.each(IDS)('have houses of their own under equal ids, however they are named: %s', async (id) => {
    const first = [expect.objectContaining({ id: 1, address: `First of ${id}` })];
    expect(await server.houses(`${id}.localhost:3000`)).toEqual(first);
    expect(await server.houses(`${id}.example`)).toEqual(first);
    expect(await server.houses(`www.${id}.example`)).toEqual(first);
    expect(await server.houses('localhost', `/t/${id}/houses`)).toEqual(first);
  });

  it.each(IDS)('show a page with their own name, colour, database and houses: %s', async (id) => {
    const tenant = server.tenants.find((each) => each.id === id);
    const { text } = await server.send(`${id}.localhost`, '/');
    for (const own of [tenant?.name, tenant?.colour, `database <b>${tenant?.database}</b>`, `First of ${id}`]) {
      expect(text).toContain(own);
    }
    for (const other of server.tenants.filter((each) => each.id !== id)) {
      expect(text).not.toMatch(new RegExp(`${other.id}|${other.name}|${other.colour}`));
    }
  });

  it('see nothing of what another one adds, changes and removes', async () => {
    const added = await server.send('acme.localhost', '/houses', { method: 'POST', body: { address: 'Only of acme' } });
    expect(added.headers.location).toBe('/houses/2');
    await server.send('acme.localhost', '/houses/1', { method: 'PATCH', body: { address: 'Changed by acme' } });
    expect((await server.send('globex.localhost', '/houses/2')).status).toBe(404);
    await server.send('globex.localhost', '/houses/1', { method: 'DELETE' });

    expect((await server.houses('acme.localhost')).map(({ address }) => address)).toEqual([
      'Changed by acme',
      'Only of acme',
    ]);
    expect(await server.houses('globex.localhost')).toEqual([]);
    expect((await server.houses('initech.localhost')).map(({ address }) => address)).toEqual(['First of initech']);
  });

  it('stay apart under concurrent requests on one id, while they are evicted', async () => {
    const rounds = Array.from({ length: 20 }, (_, round) => round);
    await Promise.all(
      rounds.flatMap((round) =>
        IDS.map(async (id) => {
          const changed = await server.send(`${id}.localhost`, '/houses/1', {
            method: 'PATCH',
            body: { address: `First of ${id}`, description: `${id} ${round}` },
          });
          expect(JSON.parse(changed.text)).toMatchObject({ id: 1, description: `${id} ${round}` });
          if (round % 5 === 0) {
            await server.manager.evict(id);
          }
          const [house] = await server.houses('localhost', `/t/${id}/houses`);
          expect(house).toMatchObject({ address: `First of ${id}`, description: expect.stringMatching(`^${id} `) });
        }),
      ),
    );
  });

  it.each([
    ['a tenant that is not there', 'umbrella.localhost', '/houses'],
    ['a domain of nobody', 'umbrella.example', '/houses'],
    ['no tenant at all', 'localhost', '/houses'],
    ['two tenants that disagree', 'acme.localhost', '/t/globex/houses'],
    ['two tenants that disagree, on the page', 'acme.localhost', '/t/globex'],
  ])('are not reached by %s, and all look the same', async (_name, host, path) => {
    const { status, text } = await server.send(host, path);
    expect(status).toBe(404);
    expect(JSON.parse(text)).toEqual({ error: { code: 'TENANT_NOT_FOUND', message: 'Not Found' } });
  });

  it.each(['http://acme.localhost/houses', 'a@acme.localhost', 'acme.localhost, globex.localhost', 'acme.localhost:0'])(
    'are not reached by a Host that can be read in two ways: %s',
    async (host) => {
      expect((await server.send(host, '/houses')).status).toBe(400);
    },
  );

  it('have the tables that their entities describe', async () => {
    await using lease = await server.manager.acquire('acme');
    expect(await lease.orm.schema.getUpdateSchemaSQL({ wrap: false })).toBe('');
  });

  it('are prepared once by servers that start at the same time', async () => {
    await using one = await server.another();
    await using other = await server.another();
    await server.manager.drop('globex');
    await Promise.all([one, other].map((manager) => prepareTenants(manager, DEMO_TENANTS)));
    expect(await server.houses('globex.localhost')).toHaveLength(3);
    expect(await server.houses('acme.localhost')).toHaveLength(1);
  });

  it('are refused while suspended, beside others who go on, and get newer tables all the same', async () => {
    const setStatus = (status: 'suspended' | 'active') => server.manager.central.tenants.setStatus('globex', status);
    await server.manager.run('globex', (em) => em.execute('drop table "house", "mikro_orm_migrations"'));
    await setStatus('suspended');
    const suspended = await server.send('globex.localhost', '/houses');
    const unknown = await server.send('umbrella.localhost', '/houses');
    expect([suspended.status, suspended.text]).toEqual([404, unknown.text]);
    expect(await server.houses('acme.localhost')).toHaveLength(1);
    await prepareTenants(server.manager, DEMO_TENANTS);
    expect((await server.send('globex.localhost', '/houses')).status).toBe(404);
    await setStatus('active');
    expect(await server.houses('globex.localhost')).toEqual([]);
  });
});
