import { describe, expect, it } from '@jest/globals';
import { Migration } from '@mikro-orm/migrations';
import { TenantConflictError, TenantOperationError } from 'mikro-orm-multitenancy';
import { adminQuery } from '../../support/databases.ts';
import { House } from '../../support/manager/TestTenants.ts';
import { contentOf, EVERY_VALUE, Migration003EveryValue } from '../../support/provisioning/everyValue.ts';
import { LifeWorld } from '../../support/provisioning/LifeWorld.ts';
import { LIFE_MIGRATIONS } from '../../support/provisioning/lifeOptions.ts';

const migrations = [...LIFE_MIGRATIONS, Migration003EveryValue];

describe('clone', () => {
  it('copies every value, key, sequence, trigger and view as it is', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager({ migrations });
    await manager.provision({ id: 'acme' });
    for (const statement of EVERY_VALUE) {
      await adminQuery(statement, [], world.databaseOf('acme'));
    }
    await manager.clone('acme', { id: 'acme-next' });
    expect(await contentOf(world.databaseOf('acme-next'))).toEqual(await contentOf(world.databaseOf('acme')));
    const [inserted] = await adminQuery(
      "insert into noted (note) values ('three') returning id, changed",
      [],
      world.databaseOf('acme-next'),
    );
    expect(inserted).toEqual({ id: 3, changed: 1 });
  }, 60_000);

  it('leaves the two apart, and lets the source go on', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager({
      provisioning: { onCloned: async (em) => void (await em.nativeUpdate(House, {}, { address: 'no real address' })) },
    });
    await manager.provision({ id: 'acme' });
    const write = async (id: string, address: string): Promise<void> => {
      await manager.run(id, async (em) => {
        em.create(House, { address });
        await em.flush();
      });
    };
    await write('acme', 'Elm Street 1');
    let isOver = false;
    let written = 1;
    const working = (async () => {
      while (!isOver) {
        await write('acme', `Elm Street ${++written}`);
      }
    })();
    const clone = await manager.clone('acme', { id: 'copy', domains: ['copy.example.org'] });
    isOver = true;
    await working;
    expect(clone).toMatchObject({ id: 'copy', status: 'active', domains: ['copy.example.org'] });
    const addresses = await manager.run('copy', async (em) => (await em.findAll(House)).map(({ address }) => address));
    expect(new Set(addresses)).toEqual(new Set(['no real address']));
    expect(addresses.length).toBeLessThanOrEqual(written);
    expect(await manager.run('acme', (em) => em.count(House))).toBe(written);
    expect(await manager.run('acme', (em) => em.count(House, { address: 'no real address' }))).toBe(0);
  });

  it('copies 300 MB without holding them', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    await adminQuery(
      "insert into house (address) select repeat('x', 1000) || n from generate_series(1, 300000) n",
      [],
      world.databaseOf('acme'),
    );
    const before = process.memoryUsage();
    let most = 0;
    const timer = setInterval(() => {
      const { heapUsed, external } = process.memoryUsage();
      most = Math.max(most, heapUsed + external - before.heapUsed - before.external);
    }, 10);
    await manager.clone('acme', { id: 'copy' });
    clearInterval(timer);
    expect(await manager.run('copy', (em) => em.count(House))).toBe(300_000);
    expect(most).toBeLessThan(150 * 1024 * 1024);
  }, 60_000);

  it('refuses a schema that is not what the migrations make, and leaves nothing', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    await adminQuery('create table by_hand (id int)', [], world.databaseOf('acme'));
    const failure = manager.clone('acme', { id: 'copy' });
    await expect(failure).rejects.toThrow(TenantOperationError);
    await expect(failure).rejects.toThrow('table public.by_hand is missing');
    expect(await world.databases()).toEqual([world.databaseOf('acme')]);
    expect(await manager.catalog.find('copy')).toBeUndefined();
  });

  it('refuses large objects, and migrations of another release', async () => {
    await using world = await LifeWorld.create();
    class Migration003Later extends Migration {
      override up(): void {
        this.addSql('create table later (id int)');
      }
    }
    const [manager, newer] = [
      await world.manager(),
      await world.manager({ migrations: [...LIFE_MIGRATIONS, Migration003Later] }),
    ];
    await newer.provision({ id: 'newer' });
    await expect(manager.clone('newer', { id: 'copy' })).rejects.toThrow(
      'this release does not know (Migration003Later)',
    );
    await manager.provision({ id: 'acme' });
    await adminQuery('select lo_create(0)', [], world.databaseOf('acme'));
    await expect(manager.clone('acme', { id: 'copy' })).rejects.toThrow('large objects');
    expect(await world.databases()).toEqual(['acme', 'newer'].map((id) => world.databaseOf(id)));
  });

  it('refuses an id that is taken, and a source that is not whole', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    await manager.provision({ id: 'globex' });
    await expect(manager.clone('acme', { id: 'globex' })).rejects.toThrow(TenantConflictError);
    await manager.archive('acme');
    await expect(manager.clone('acme', { id: 'copy' })).rejects.toMatchObject({ code: 'TENANT_STATUS' });
  });

  it('is over at once where it is aborted, and leaves nothing', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    await adminQuery(
      "insert into house (address) select repeat('x', 500) || n from generate_series(1, 100000) n",
      [],
      world.databaseOf('acme'),
    );
    const abort = new AbortController();
    manager.events.on('operation:step-done', ({ step, kind }) => {
      if (kind === 'clone' && step === 'database') {
        setTimeout(() => abort.abort(new Error('enough')), 150);
      }
    });
    await expect(manager.clone('acme', { id: 'copy' }, { signal: abort.signal })).rejects.toThrow();
    expect(await world.databases()).toEqual([world.databaseOf('acme')]);
    expect(await manager.catalog.find('copy')).toBeUndefined();
  }, 30_000);

  it('leaves nothing where the session of the source is ended in the middle', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    await adminQuery(
      "insert into house (address) select repeat('x', 500) || n from generate_series(1, 100000) n",
      [],
      world.databaseOf('acme'),
    );
    const clone = expect(manager.clone('acme', { id: 'copy' })).rejects.toThrow(TenantOperationError);
    const deadline = performance.now() + 10_000;
    for (;;) {
      const ended = await adminQuery(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and query ilike 'copy%'",
        [world.databaseOf('acme')],
      );
      if (ended.length > 0 || performance.now() > deadline) {
        break;
      }
    }
    await clone;
    expect(await world.databases()).toEqual([world.databaseOf('acme')]);
  }, 30_000);
});
