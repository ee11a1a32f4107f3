import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { serverUrl } from '../support/databases.ts';
import { assertRecovered } from '../support/faults/assertRecovered.ts';
import { FaultWorld, House } from '../support/faults/FaultWorld.ts';
import { Load } from '../support/faults/Load.ts';
import { OwnPostgres } from '../support/faults/OwnPostgres.ts';

// Each makes a PostgreSQL of its own, and starts it more than once.
jest.setTimeout(90_000);

/** What a new session of the server has. */
async function readsOnly(server: OwnPostgres): Promise<string | undefined> {
  const [row] = await server.query<{ is: string }>("select current_setting('default_transaction_read_only') as is");
  return row?.is;
}

async function until(ask: () => Promise<string | undefined>, answer: string): Promise<void> {
  while ((await ask()) !== answer) {
    await setTimeout(10);
  }
}

describe('a server', () => {
  it('that is restarted twice under load serves again in the same process, and others notice nothing', async () => {
    await using own = await OwnPostgres.start();
    await using world = await FaultWorld.create({ at: own.url });
    const load = await Load.start(world);
    for (let round = 0; round < 2; round += 1) {
      await own.stop();
      await load.failed('acme', 'globex');
      await load.served('initech', 'umbrella');
      await own.start();
      await load.served('acme', 'globex');
    }
    expect(await load.complaints()).toEqual([]);
    await assertRecovered(world);
  });

  it('that fails over to a read-only standby serves what reads, refuses what writes, and writes once it is promoted', async () => {
    await using own = await OwnPostgres.start();
    await using world = await FaultWorld.create({ at: own.url });
    const load = await Load.start(world, (id) => (id === 'globex' ? world.read(id) : world.request(id)));
    const before = load.of('acme').served;
    await own.becomeStandby();
    await load.served('globex', 'initech', 'umbrella');
    const written = load.of('acme').served;
    await load.failed('acme');
    await expect(world.run('acme', (em) => em.insert(House, { id: 900, tenant: 'acme' }))).rejects.toThrow(/read-only/);
    expect(load.of('acme').served).toBe(written);
    expect(written).toBeGreaterThanOrEqual(before);
    await own.promote();
    await load.served('acme', 'globex');
    expect(await load.complaints()).toEqual([]);
    await assertRecovered(world);
  });

  it('that is no primary any more loses each connection on which it refuses to write', async () => {
    await using old = await OwnPostgres.start();
    await using world = await FaultWorld.create({ at: old.url });
    await using writable = new AsyncDisposableStack();
    // Whatever comes, what the world has made there can be dropped.
    writable.defer(async () => {
      await old.query('alter system reset default_transaction_read_only');
      await old.query('select pg_reload_conf()');
      await until(() => readsOnly(old), 'off');
    });
    await Promise.all([1, 2, 3].map(() => world.request('acme')));
    const { idle } = world.requests;
    // It keeps its sessions, while its name leads to the new primary already.
    await old.query('alter system set default_transaction_read_only = on');
    await old.query('select pg_reload_conf()');
    // Once new sessions know, those that are there have been told.
    await until(() => readsOnly(old), 'on');
    await using _primary = await world.copyTo(serverUrl());
    world.proxy.leadTo(serverUrl());
    let refused = 0;
    while (refused <= idle && (await world.request('acme').catch(() => 'refused')) === 'refused') {
      refused += 1;
    }
    expect(refused).toBeLessThanOrEqual(idle);
    await assertRecovered(world);
  });
});
