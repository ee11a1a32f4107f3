import { describe, expect, it } from '@jest/globals';
import { assertRecovered } from '../support/faults/assertRecovered.ts';
import { FaultWorld, House } from '../support/faults/FaultWorld.ts';
import { Load } from '../support/faults/Load.ts';
import { until } from '../support/manager/TestTenants.ts';
import { settlesWithin } from '../support/settlesWithin.ts';

const KILL = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and application_name like 'tenant:%'`;

describe('a backend that is killed', () => {
  it('while it is idle is replaced, and nobody notices', async () => {
    await using world = await FaultWorld.create();
    await Promise.all(world.tenants.map(({ id }) => world.request(id)));
    expect(world.requests.idle).toBe(2);
    await world.query('acme', KILL);
    await until(async () => world.requests.idle === 1, 'a dead connection is kept');
    await world.request('acme');
    await assertRecovered(world);
  });

  it('under a statement fails that statement at once, and no other', async () => {
    await using world = await FaultWorld.create();
    const running = world.run('acme', (em) => em.execute('select pg_sleep(60)'));
    const failed = expect(running).rejects.toThrow(/terminat/);
    const isActive = `${KILL} and state = 'active' and query like '%pg_sleep(60)%'`;
    await until(async () => (await world.query('acme', isActive)).length > 0, 'the statement does not run');
    await settlesWithin(1_000, failed, 'the caller is told');
    await assertRecovered(world);
  });

  it('inside a transaction fails what follows, and nothing of it is written', async () => {
    await using world = await FaultWorld.create();
    const work = world.run('acme', (em) =>
      em.transactional(async (tx) => {
        await tx.insert(House, { id: 900, tenant: 'acme' });
        await world.query('acme', KILL);
        await tx.insert(House, { id: 901, tenant: 'acme' });
      }),
    );
    await expect(work).rejects.toThrow(/terminat/);
    expect(await world.query('acme', 'select id from house where id >= 900')).toEqual([]);
    await assertRecovered(world);
  });

  it('between two statements of a transaction is not taken for a mistake of its user', async () => {
    await using world = await FaultWorld.create();
    const work = world.run('acme', (em) =>
      em.transactional(async (tx) => {
        await tx.insert(House, { id: 900, tenant: 'acme' });
        await world.query('acme', KILL);
        await until(async () => world.requests.inUse === 0, 'a dead connection is kept');
        await tx.insert(House, { id: 901, tenant: 'acme' });
      }),
    );
    await expect(work).rejects.toThrow(/terminat/);
    await assertRecovered(world);
  });

  it('again and again under load is a matter of its own tenant', async () => {
    await using world = await FaultWorld.create();
    const load = await Load.start(world);
    for (let round = 0; round < 5; round += 1) {
      await world.query('acme', KILL);
      await load.served('acme', 'globex', 'initech', 'umbrella');
    }
    expect(await load.complaints()).toEqual([]);
    expect(load.of('globex').errors).toEqual([]);
    await assertRecovered(world);
  });
});
