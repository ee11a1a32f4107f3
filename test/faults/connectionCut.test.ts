import { describe, expect, it } from '@jest/globals';
import { assertRecovered } from '../support/faults/assertRecovered.ts';
import { FaultWorld, House } from '../support/faults/FaultWorld.ts';
import { Load } from '../support/faults/Load.ts';
import { until } from '../support/manager/TestTenants.ts';

/** The types of the server's messages: a row, the end of a statement, the end of the answer. */
const DATA_ROW = 'D';
const COMMAND_COMPLETE = 'C';
const READY_FOR_QUERY = 'Z';

describe('a connection that is cut', () => {
  it('by a reset while it is idle is replaced, and nobody notices', async () => {
    await using world = await FaultWorld.create();
    await world.request('acme');
    world.proxy.reset();
    await until(async () => world.requests.idle === 0, 'a dead connection is kept');
    await world.request('acme');
    await assertRecovered(world);
  });

  it('by a reset under load fails no request of another server, and is over at once', async () => {
    await using world = await FaultWorld.create();
    const load = await Load.start(world);
    for (let round = 0; round < 5; round += 1) {
      world.proxy.reset();
      await load.served('acme', 'globex', 'initech', 'umbrella');
    }
    expect(await load.complaints()).toEqual([]);
    await assertRecovered(world);
  });

  it.each([
    ['in the middle of a row', DATA_ROW],
    ['before it is said what a statement did', COMMAND_COMPLETE],
    ['before it is ready for the next statement', READY_FOR_QUERY],
  ])('%s rejects the statement and is not used again', async (_where, type) => {
    await using world = await FaultWorld.create();
    await world.request('acme');
    const { accepted } = world.proxy.state;
    world.proxy.cutAtMessage(type);
    const reading = world.run('acme', (em) => em.execute('select * from house'));
    // Where the whole answer has come, `pg` may take it.
    await (type === READY_FOR_QUERY ? reading.catch(() => {}) : expect(reading).rejects.toThrow());
    await world.request('acme');
    expect(world.proxy.state.accepted).toBe(accepted + 1);
    await assertRecovered(world);
  });

  it('half way through a commit rejects, whatever PostgreSQL made of it, and the commit is not sent twice', async () => {
    await using world = await FaultWorld.create();
    const work = world.run('acme', (em) =>
      em.transactional(async (tx) => {
        await tx.insert(House, { id: 900, tenant: 'acme' });
        world.proxy.cutAtMessage(COMMAND_COMPLETE);
      }),
    );
    await expect(work).rejects.toThrow();
    expect(await world.query('acme', 'select id from house where id = 900')).toHaveLength(1);
    await assertRecovered(world);
  });

  it('by a server that goes away is opened again once that is back', async () => {
    await using world = await FaultWorld.create();
    const load = await Load.start(world);
    await world.proxy.stopListening();
    world.proxy.reset();
    await load.failed('acme', 'globex');
    await load.served('initech', 'umbrella');
    await world.proxy.listen();
    await load.served('acme', 'globex');
    expect(await load.complaints()).toEqual([]);
    await assertRecovered(world);
  });

  it('between the last row of a stream and the end of its statement fails the stream', async () => {
    await using world = await FaultWorld.create();
    await world.request('acme');
    world.proxy.cutAtMessage(READY_FOR_QUERY);
    const read = world.run('acme', async (em) => {
      for await (const house of em.stream(House)) {
        expect(house.tenant).toBe('acme');
      }
    });
    await expect(read).rejects.toThrow(/terminat/);
    await assertRecovered(world);
  });
});
