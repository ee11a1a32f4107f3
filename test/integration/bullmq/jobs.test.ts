import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { type Job, Queue, Worker } from 'bullmq';
import {
  currentTenant,
  NoTenantError,
  TenancyConfigurationError,
  TenantUnavailableError,
} from 'mikro-orm-multitenancy';
import { type TenantJobData, TenantQueue, tenantProcessor } from 'mikro-orm-multitenancy/bullmq';
import { Redis } from '../../support/bullmq/Redis.ts';
import { uniqueName } from '../../support/databases.ts';
import { describeWhere } from '../../support/describeWhere.ts';
import { House, until } from '../../support/manager/TestTenants.ts';
import { type LifeManager, LifeWorld } from '../../support/provisioning/LifeWorld.ts';
import { lifeProvisioning } from '../../support/provisioning/lifeOptions.ts';

interface Mail {
  readonly to: string;
}
type MailJob = Job<TenantJobData<Mail>, string, string>;

const needed = { name: 'Redis', isInstalled: Redis.isInstalled, package: 'redis-server' };

describeWhere(needed, 'jobs of BullMQ', () => {
  let redis: Redis;
  let world: LifeWorld;
  let manager: LifeManager;
  const open: { close(): Promise<void> }[] = [];

  beforeAll(async () => {
    redis = await Redis.start();
    world = await LifeWorld.create();
    manager = await world.manager({ provisioning: lifeProvisioning(world.settings) });
    await manager.provision({ id: 'acme' });
    await manager.provision({ id: 'globex' });
  }, 60_000);
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) {
      await one.close();
    }
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
  });

  function queueNamed(name = uniqueName('mail')): { queue: Queue; mails: TenantQueue<Mail, string> } {
    const queue = new Queue(name, { connection: { port: redis.port } });
    open.push(queue);
    return { queue, mails: new TenantQueue<Mail, string>(queue, manager) };
  }

  function workOn(
    queue: Queue,
    work: Parameters<typeof tenantProcessor<Mail, string, string, never, never>>[1],
  ): Worker {
    const processor = tenantProcessor<Mail, string, string, never, never>(manager as never, work);
    const worker = new Worker(queue.name, processor, {
      ...{ connection: { port: redis.port, maxRetriesPerRequest: null }, concurrency: 4 },
    });
    worker.on('error', () => {});
    open.push(worker);
    return worker;
  }

  const recipients = async (queue: Queue): Promise<string[]> =>
    (await queue.getJobs()).map(({ data }) => (data as Mail).to).sort();

  const isIn = (job: MailJob, state: string): Promise<void> =>
    until(async () => (await job.getState()) === state, `the job is not ${state}`);

  it('run as the tenant that they were added for', async () => {
    const { queue, mails } = queueNamed();
    const jobs: MailJob[] = [];
    for (const id of ['acme', 'globex', 'acme', 'globex']) {
      jobs.push(await manager.run(id, () => mails.add('welcome', { to: id })));
    }
    workOn(queue, async ({ data }, { em, tenant }) => {
      const [house] = await (em as never as typeof manager.em).find(House, {});
      const { id } = tenant as { id: string };
      return `${data.to}, ${id}, ${currentTenant()?.id}, ${house?.address}`;
    });
    for (const job of jobs) {
      await isIn(job, 'completed');
    }
    const results = await Promise.all(jobs.map(async ({ id }) => (await queue.getJob(id ?? ''))?.returnvalue));
    const of = (id: string): string => `${id}, ${id}, ${id}, first house of ${id}`;
    expect(results).toEqual([of('acme'), of('globex'), of('acme'), of('globex')]);
    expect(manager.stats().leases).toBe(0);
  });

  it('are not added outside a tenant, nor with an owner of their own', async () => {
    const { queue, mails } = queueNamed();
    await expect(mails.add('welcome', { to: 'nobody' })).rejects.toThrow(NoTenantError);
    const forged = { to: 'x', tenancy: { tenantId: 'globex' } };
    await expect(manager.run('acme', () => mails.add('welcome', forged))).rejects.toThrow(TenancyConfigurationError);
    await expect(manager.run('acme', () => mails.add('welcome', ['x'] as never))).rejects.toThrow('is an object');
    expect(await queue.count()).toBe(0);
  });

  it('of two tenants with the same id are two, and of one tenant one', async () => {
    const { queue, mails } = queueNamed();
    const add = (id: string) => manager.run(id, () => mails.add('digest', { to: id }, { jobId: 'today' }));
    const bulk = (id: string) =>
      manager.run(id, () => mails.addBulk([{ name: 'digest', data: { to: id }, opts: { jobId: 'today' } }]));
    await add('acme');
    await add('acme');
    await bulk('acme');
    await add('globex');
    expect(await recipients(queue)).toEqual(['acme', 'globex']);
  });

  it('are deduplicated within a tenant', async () => {
    const { queue, mails } = queueNamed();
    for (const id of ['acme', 'acme', 'globex']) {
      await manager.run(id, () => mails.add('sync', { to: id }, { deduplication: { id: 'sync' } }));
    }
    expect(await recipients(queue)).toEqual(['acme', 'globex']);
  });

  it('come again and again for each tenant that has a scheduler, until it is removed', async () => {
    const { queue, mails } = queueNamed();
    for (const id of ['acme', 'globex']) {
      await manager.run(id, () =>
        mails.upsertJobScheduler('nightly', { every: 3_600_000 }, { name: 'report', data: { to: id } }),
      );
    }
    const keys = async (): Promise<string[]> => (await queue.getJobSchedulers()).map(({ key }) => key).sort();
    expect(await keys()).toEqual(['acme.nightly', 'globex.nightly']);
    const owners = (await queue.getJobs()).map(({ data }) => (data as TenantJobData<Mail>).tenancy.tenantId);
    expect(owners.toSorted((one, other) => one.localeCompare(other))).toEqual(['acme', 'globex']);
    await expect(manager.run('acme', () => mails.removeJobScheduler('nightly'))).resolves.toBe(true);
    await expect(manager.run('acme', () => mails.removeJobScheduler('nightly'))).resolves.toBe(false);
    expect(await keys()).toEqual(['globex.nightly']);
  });

  it('that say of no tenant fail, and run nowhere', async () => {
    const { queue } = queueNamed();
    let ran = 0;
    const worker = workOn(queue, () => {
      ran += 1;
      return 'ran';
    });
    const failed = new Promise<Error>((resolve) => {
      worker.once('failed', (_job, error) => resolve(error));
    });
    await queue.add('welcome', { to: 'x' });
    expect((await failed).message).toContain('says of no tenant');
    expect(ran).toBe(0);
  });

  it('wait without the loss of an attempt while their tenant is not available for a moment', async () => {
    const { queue, mails } = queueNamed();
    const job = (await manager.run('acme', () => mails.add('welcome', { to: 'acme' }))) as MailJob;
    await manager.maintenance('acme');
    workOn(queue, () => 'sent');
    await isIn(job, 'delayed');
    await manager.resume('acme');
    const delayed = await queue.getJob(job.id ?? '');
    expect(delayed?.attemptsMade).toBe(0);
    await delayed?.promote();
    await isIn(job, 'completed');
  });

  it('fail for good when their tenant is gone, though another one has its id by now', async () => {
    const { queue, mails } = queueNamed();
    await manager.provision({ id: 'initech' });
    const add = (): Promise<MailJob> =>
      manager.run('initech', () => mails.add('welcome', { to: 'initech' }, { attempts: 5 })) as Promise<MailJob>;
    const [one, other] = [await add(), await add()];
    await manager.drop('initech');
    let ran = 0;
    const worker = workOn(queue, () => {
      ran += 1;
      return 'ran';
    });
    await isIn(one, 'failed');
    await isIn(other, 'failed');
    await worker.pause();
    await manager.provision({ id: 'initech' });
    await (await queue.getJob(one.id ?? ''))?.retry();
    await worker.resume();
    await until(
      async () => (await queue.getJob(one.id ?? ''))?.failedReason?.includes('that is gone') === true,
      'it is not refused',
    );
    expect(ran).toBe(0);
    await manager.drop('initech');
  }, 60_000);

  it('that fail by themselves are tried again, as BullMQ has it', async () => {
    const { queue, mails } = queueNamed();
    let tries = 0;
    const job = (await manager.run('acme', () => mails.add('welcome', { to: 'acme' }, { attempts: 2 }))) as MailJob;
    workOn(queue, () => {
      tries += 1;
      if (tries === 1) {
        // What a handler throws is the handler's failure, whatever it is.
        throw new TenantUnavailableError('globex', 'maintenance');
      }
      return 'sent';
    });
    await isIn(job, 'completed');
    expect([tries, manager.stats().leases]).toEqual([2, 0]);
  });
});
