import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { currentTenant, NoTenantError } from 'mikro-orm-multitenancy';
import { TenantBoss } from 'mikro-orm-multitenancy/pg-boss';
import { PgBoss } from 'pg-boss';
import { createDatabase, dropDatabase, serverUrl, uniqueName } from '../../support/databases.ts';
import { House, until } from '../../support/manager/TestTenants.ts';
import { type LifeManager, LifeWorld } from '../../support/provisioning/LifeWorld.ts';
import { lifeProvisioning } from '../../support/provisioning/lifeOptions.ts';

describe("a tenant's jobs of pg-boss", () => {
  const database = uniqueName('boss');
  let boss: PgBoss;
  let world: LifeWorld;
  let manager: LifeManager;
  let jobs: TenantBoss;
  beforeAll(async () => {
    await createDatabase(database);
    const url = new URL(serverUrl());
    url.pathname = database;
    boss = new PgBoss(url.href);
    boss.on('error', () => {});
    await boss.start();
    world = await LifeWorld.create();
    manager = await world.manager({ provisioning: lifeProvisioning(world.settings) });
    await manager.provision({ id: 'acme' });
    await manager.provision({ id: 'globex' });
    jobs = new TenantBoss(boss, manager as never);
  }, 60_000);
  afterAll(async () => {
    await boss.stop({ graceful: false });
    await world[Symbol.asyncDispose]();
    await dropDatabase(database);
  });

  async function queueOf(options: object = {}): Promise<string> {
    const queue = uniqueName('queue');
    await boss.createQueue(queue, options);
    return queue;
  }

  it('run as the tenant that they were sent for', async () => {
    const queue = await queueOf();
    await manager.run('acme', () => jobs.send(queue, { to: 'acme' }));
    await manager.run('globex', () => jobs.send(queue, { to: 'globex' }));
    const seen: string[] = [];
    await jobs.work<{ to: string }>(queue, { pollingIntervalSeconds: 0.5 }, async ({ data }, { em, tenant }) => {
      const [house] = await em.find(House, {});
      seen.push(`${data.to}, ${tenant.id}, ${currentTenant()?.id}, ${house?.address}`);
    });
    await until(async () => seen.length === 2, 'the jobs do not run');
    await boss.offWork(queue);
    const of = (id: string): string => `${id}, ${id}, ${id}, first house of ${id}`;
    expect(seen.sort()).toEqual([of('acme'), of('globex')]);
  });

  it('are not sent outside a tenant', async () => {
    const queue = await queueOf();
    await expect(jobs.send(queue, {})).rejects.toThrow(NoTenantError);
    await expect(jobs.schedule(queue, '0 3 * * *', {})).rejects.toThrow(NoTenantError);
    expect(await boss.findJobs(queue)).toEqual([]);
  });

  it('of two tenants are two where a queue takes one at a time, and of one tenant one', async () => {
    const queue = await queueOf({ policy: 'short' });
    const send = (id: string, options = {}) => manager.run(id, () => jobs.send(queue, {}, options));
    const sent = [
      await send('acme'),
      await send('acme'),
      await send('globex'),
      await send('acme', { singletonKey: 'a' }),
    ];
    expect(sent.map((id) => id !== null)).toEqual([true, false, true, true]);
  });

  it('are throttled within a tenant', async () => {
    const queue = await queueOf();
    const send = (id: string) => manager.run(id, () => jobs.send(queue, {}, { singletonSeconds: 3_600 }));
    expect([await send('acme'), await send('acme'), await send('globex')].map((id) => id !== null)).toEqual([
      ...[true, false, true],
    ]);
  });

  it('are scheduled for each tenant, until it ends that', async () => {
    const queue = await queueOf();
    for (const id of ['acme', 'globex']) {
      await manager.run(id, () => jobs.schedule(queue, '0 3 * * *', { to: id }));
      await manager.run(id, () => jobs.schedule(queue, '0 4 * * *', { to: id }, { key: 'second' }));
    }
    const keys = async (): Promise<string[]> => (await boss.getSchedules(queue)).map(({ key }) => key).sort();
    expect(await keys()).toEqual(['acme.', 'acme.second', 'globex.', 'globex.second']);
    await manager.run('acme', () => jobs.unschedule(queue));
    expect(await keys()).toEqual(['acme.second', 'globex.', 'globex.second']);
  });

  it('run in nobody else when their tenant was dropped and its id given away', async () => {
    const queue = await queueOf({ retryLimit: 0 });
    await manager.provision({ id: 'initech' });
    const id = await manager.run('initech', () => jobs.send(queue, {}));
    await manager.drop('initech');
    await manager.provision({ id: 'initech' });
    let ran = 0;
    await jobs.work(queue, { pollingIntervalSeconds: 0.5 }, () => (ran += 1));
    const stateOf = async () => (await boss.findJobs(queue, { id: id ?? '' }))[0];
    await until(async () => (await stateOf())?.state === 'failed', 'the job does not fail');
    await boss.offWork(queue);
    expect(JSON.stringify((await stateOf())?.output)).toContain('that is gone');
    expect(ran).toBe(0);
    await manager.drop('initech');
  }, 60_000);
});
