import type { Job, JobSchedulerTemplateOptions, JobsOptions, RepeatOptions } from 'bullmq';
import type { TenantSnapshot } from '../context/TenantSnapshot.ts';
import { type TenantJobData, tenantJobKey, withTenant } from '../jobs/jobData.ts';

/** The part of a `Queue` of BullMQ that is used. */
export interface BullQueue<Data, Result, Name extends string> {
  add(name: Name, data: TenantJobData<Data>, options?: JobsOptions): Promise<Job<TenantJobData<Data>, Result, Name>>;
  addBulk(
    jobs: { name: Name; data: TenantJobData<Data>; opts?: JobsOptions }[],
  ): Promise<Job<TenantJobData<Data>, Result, Name>[]>;
  upsertJobScheduler(
    id: Name,
    repeat: Omit<RepeatOptions, 'key'>,
    template?: { name?: Name; data?: TenantJobData<Data>; opts?: JobSchedulerTemplateOptions },
  ): Promise<Job<TenantJobData<Data>, Result, Name>>;
  removeJobScheduler(id: string): Promise<boolean>;
}

/** What a queue needs of a `TenantOrmManager`. */
export interface Capturing {
  capture(): TenantSnapshot;
}

/**
 * Adds jobs to a queue of BullMQ for the tenant of the code that adds them; outside a tenant that throws `NoTenantError`.
 * Ids of jobs, of schedulers and of deduplication are the tenant's own: for two tenants the same one is two.
 */
export class TenantQueue<Data extends object, Result = unknown, Name extends string = string> {
  readonly #queue: BullQueue<Data, Result, Name>;
  readonly #manager: Capturing;

  constructor(queue: BullQueue<Data, Result, Name>, manager: Capturing) {
    this.#queue = queue;
    this.#manager = manager;
  }

  async add(name: Name, data: Data, options: JobsOptions = {}): Promise<Job<TenantJobData<Data>, Result, Name>> {
    const snapshot = this.#manager.capture();
    return this.#queue.add(name, withTenant(data, snapshot), ownOptions(options, snapshot));
  }

  async addBulk(
    jobs: readonly { readonly name: Name; readonly data: Data; readonly opts?: JobsOptions }[],
  ): Promise<Job<TenantJobData<Data>, Result, Name>[]> {
    const snapshot = this.#manager.capture();
    return this.#queue.addBulk(
      jobs.map(({ name, data, opts = {} }) => ({
        ...{ name, data: withTenant(data, snapshot), opts: ownOptions(opts, snapshot) },
      })),
    );
  }

  /** A job that comes again and again for this tenant. `id` is unique among those of the tenant. */
  async upsertJobScheduler(
    id: string,
    repeat: Omit<RepeatOptions, 'key'>,
    template: { readonly name?: Name; readonly data: Data; readonly opts?: JobSchedulerTemplateOptions },
  ): Promise<Job<TenantJobData<Data>, Result, Name>> {
    const snapshot = this.#manager.capture();
    return this.#queue.upsertJobScheduler(tenantJobKey(id, snapshot) as Name, repeat, {
      ...template,
      data: withTenant(template.data, snapshot),
    });
  }

  /** Ends what {@link upsertJobScheduler} began for this tenant. Resolves to whether there was such a scheduler. */
  async removeJobScheduler(id: string): Promise<boolean> {
    return this.#queue.removeJobScheduler(tenantJobKey(id, this.#manager.capture()));
  }
}

function ownOptions({ jobId, deduplication, ...rest }: JobsOptions, snapshot: TenantSnapshot): JobsOptions {
  return {
    ...rest,
    ...(jobId === undefined ? {} : { jobId: tenantJobKey(jobId, snapshot) }),
    ...(deduplication === undefined
      ? {}
      : { deduplication: { ...deduplication, id: tenantJobKey(deduplication.id, snapshot) } }),
  };
}
