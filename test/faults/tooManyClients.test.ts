import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TenantConnectionError } from 'mikro-orm-multitenancy';
import pg from 'pg';
import { assertRecovered } from '../support/faults/assertRecovered.ts';
import { FaultWorld, type FaultWorldOptions } from '../support/faults/FaultWorld.ts';
import { Load } from '../support/faults/Load.ts';
import { OwnPostgres } from '../support/faults/OwnPostgres.ts';
import { until } from '../support/manager/TestTenants.ts';

/** How many sessions the server has for roles that are no superusers. */
const SLOTS = 5;
const SUPERUSER_SLOTS = 6;

describe('a server that has too many clients', () => {
  let own: OwnPostgres;
  beforeAll(async () => {
    own = await OwnPostgres.start({
      max_connections: SLOTS + SUPERUSER_SLOTS,
      superuser_reserved_connections: SUPERUSER_SLOTS,
    });
    await own.query("create role app login password 'password' in role pg_read_all_data, pg_write_all_data");
  });
  afterAll(() => own[Symbol.asyncDispose]());

  /** Their ceiling is that of the server, one of it reserved. */
  const world = (faulty: FaultWorldOptions['faulty'] = { maxConnections: SLOTS, reservedConnections: 1 }) =>
    FaultWorld.create({ at: own.url, role: 'app', faulty });

  /** Other programs with so many sessions, which they give back when they are disposed of. */
  async function others(count: number): Promise<AsyncDisposable> {
    const url = new URL(own.url);
    url.username = 'app';
    url.pathname = '/postgres';
    const clients = Array.from({ length: count }, () => new pg.Client({ connectionString: url.href }));
    await Promise.all(clients.map((client) => client.connect()));
    return {
      [Symbol.asyncDispose]: async () => {
        await Promise.all(clients.map((client) => client.end()));
      },
    };
  }

  it('refuses as the server does, says so, and serves as soon as a session is free', async () => {
    await using faults = await world();
    {
      await using _taken = await others(SLOTS);
      const error = await faults.request('acme').catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(TenantConnectionError);
      expect(error).toMatchObject({ status: 503, tenantId: 'acme', cause: { code: '53300' } });
      await Promise.all(['initech', 'umbrella'].map((id) => faults.request(id)));
      expect(faults.requests).toMatchObject({ opening: 0, inUse: 0, idle: 0, waiting: 0 });
    }
    await assertRecovered(faults);
  });

  it('does not stop a tenant that has a connection already', async () => {
    await using faults = await world();
    await faults.request('acme');
    const taken = await others(SLOTS - 1);
    await Promise.all([1, 2, 3, 4, 5, 6].map(() => faults.read('acme').catch(() => {})));
    await faults.request('acme');
    await taken[Symbol.asyncDispose]();
    await assertRecovered(faults);
  });

  it('because our own ceiling is too high serves a tenant in the room of an idle connection of another', async () => {
    await using faults = await world({ maxConnections: 4 * SLOTS, maxConnectionsPerTenant: SLOTS });
    const together = Array.from({ length: SLOTS }, () =>
      faults.run('acme', (em) => em.execute('select pg_sleep(0.3)')),
    );
    await Promise.all(together);
    expect(faults.requests.idle).toBe(SLOTS);
    await faults.read('globex');
    expect(faults.requests).toMatchObject({ stolen: 1, refused: 0 });
    await assertRecovered(faults, 1);
  });

  it('because our own ceiling is too high serves every tenant all the same', async () => {
    await using faults = await world({ maxConnections: 4 * SLOTS });
    const load = await Load.start(faults);
    for (let round = 0; round < 4; round += 1) {
      await load.served('acme', 'globex', 'initech', 'umbrella');
    }
    expect(await load.complaints()).toEqual([]);
    await until(async () => faults.requests.waiting === 0, 'somebody waits');
    await assertRecovered(faults, 1);
  });
});
