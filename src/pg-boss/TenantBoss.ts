import type { EntityManager, SqlEntityManager } from '@mikro-orm/postgresql';
import type { Job, PgBoss, ScheduleOptions, SendOptions, WorkOptions } from 'pg-boss';
import { type TenantJobData, tenantJobKey, tenantOfJob, withTenant } from '../jobs/jobData.ts';
import type { TenantOrmManager } from '../TenantOrmManager.ts';
import type { Tenant } from '../tenant/Tenant.ts';

/** Where a job runs. */
export interface TenantJobContext<T extends Tenant, EM extends SqlEntityManager> {
  /** The fork of this job, which is also the current EntityManager. */
  readonly em: EM;
  readonly tenant: T;
}

type Boss = Pick<PgBoss, 'send' | 'schedule' | 'unschedule' | 'work'>;

/**
 * Jobs of an application's own queues in pg-boss, each for the tenant of the code that sends it; outside a tenant that
 * throws `NoTenantError`. What pg-boss takes for the same one by its key, as under a policy or `singletonSeconds`, is so
 * within one tenant only; each tenant is a group of its own for `groupConcurrency`.
 */
export class TenantBoss<T extends Tenant = Tenant, EM extends SqlEntityManager = EntityManager> {
  readonly #boss: Boss;
  readonly #manager: Pick<TenantOrmManager<T, EM>, 'capture' | 'run'>;

  constructor(boss: Boss, manager: Pick<TenantOrmManager<T, EM>, 'capture' | 'run'>) {
    this.#boss = boss;
    this.#manager = manager;
  }

  /** Resolves to the id of the job, or to `null` where its key says that it is there already. */
  async send(queue: string, data: object, options: SendOptions = {}): Promise<string | null> {
    const snapshot = this.#manager.capture();
    return this.#boss.send(queue, withTenant(data, snapshot), {
      group: { id: snapshot.tenantId },
      ...options,
      singletonKey: tenantJobKey(options.singletonKey ?? '', snapshot),
    });
  }

  /** A job that comes again and again for this tenant, by cron. `key` tells several of one queue apart. */
  async schedule(
    queue: string,
    cron: string,
    data: object,
    { key = '', ...options }: ScheduleOptions = {},
  ): Promise<void> {
    const snapshot = this.#manager.capture();
    await this.#boss.schedule(queue, cron, withTenant(data, snapshot), {
      group: { id: snapshot.tenantId },
      ...options,
      singletonKey: tenantJobKey(options.singletonKey ?? '', snapshot),
      key: tenantJobKey(key, snapshot),
    });
  }

  /** Ends what {@link schedule} began for this tenant. */
  async unschedule(queue: string, key = ''): Promise<void> {
    await this.#boss.unschedule(queue, tenantJobKey(key, this.#manager.capture()));
  }

  /**
   * Runs each job of a queue as the tenant that it was sent for, one job at a time: `localConcurrency` is how many workers
   * there are. A job whose tenant is not there, or not available, fails, and comes again as its queue says. Resolves to the
   * id of the worker, for `offWork`.
   */
  async work<Data extends object, Result = unknown>(
    queue: string,
    options: Omit<WorkOptions, 'batchSize' | 'perJobResults' | 'includeMetadata'>,
    handler: (job: Job<TenantJobData<Data>>, context: TenantJobContext<T, EM>) => Result | Promise<Result>,
  ): Promise<string> {
    return this.#boss.work<TenantJobData<Data>, Result | undefined>(
      queue,
      { ...options, batchSize: 1 } as WorkOptions,
      async ([job]: Job<TenantJobData<Data>>[]) =>
        job &&
        this.#manager.run(tenantOfJob(job.data), (em, tenant) => handler(job, { em, tenant }), { signal: job.signal }),
    );
  }
}
