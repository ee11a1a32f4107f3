import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { DelayedError, type Job, UnrecoverableError } from 'bullmq';
import { TenantReplacedError } from '../context/TenantReplacedError.ts';
import { TenancyError, TenantNotFoundError } from '../errors.ts';
import { type TenantJobData, tenantOfJob } from '../jobs/jobData.ts';
import type { TenantOrmManager } from '../TenantOrmManager.ts';
import type { Tenant } from '../tenant/Tenant.ts';

/** A job of BullMQ that a `TenantQueue` has added. */
export type TenantJob<Data, Result = unknown, Name extends string = string> = Job<TenantJobData<Data>, Result, Name>;

/** Where a job runs. */
export interface TenantJobContext<T extends Tenant, EM extends SqlEntityManager> {
  /** The fork of this job, which is also the current EntityManager. */
  readonly em: EM;
  readonly tenant: T;
  readonly token: string | undefined;
  /** Aborted by BullMQ, as when the job is cancelled. It ends the statements of `em` as well. */
  readonly signal: AbortSignal | undefined;
}

/**
 * A processor for a worker of BullMQ that runs each job as the tenant that it was added for. A job of a tenant that is
 * gone, or whose id is another one's by now, fails for good. One of a tenant that is not available for a moment, as during
 * maintenance or a move, is put off without the loss of an attempt.
 */
export function tenantProcessor<
  Data extends object,
  Result,
  Name extends string,
  T extends Tenant,
  EM extends SqlEntityManager,
>(
  manager: Pick<TenantOrmManager<T, EM>, 'run'>,
  work: (job: TenantJob<Data, Result, Name>, context: TenantJobContext<T, EM>) => Result | Promise<Result>,
): (job: TenantJob<Data, Result, Name>, token?: string, signal?: AbortSignal) => Promise<Result> {
  return async (job, token, signal) => {
    let hasBegun = false;
    try {
      return await manager.run(
        tenantOfJob(job.data),
        (em, tenant) => {
          hasBegun = true;
          return work(job, { em, tenant, token, signal });
        },
        { signal },
      );
    } catch (error) {
      if (hasBegun) {
        throw error;
      }
      return refused(error, job, token);
    }
  };
}

/** What becomes of a job that did not begin. */
async function refused(error: unknown, job: Job, token: string | undefined): Promise<never> {
  if (error instanceof TenantNotFoundError || error instanceof TenantReplacedError) {
    throw new UnrecoverableError(error.message);
  }
  if (error instanceof TenancyError && error.status === 503 && 'retryAfterSeconds' in error && token !== undefined) {
    await job.moveToDelayed(Date.now() + Number(error.retryAfterSeconds) * 1_000, token);
    throw new DelayedError(error.message);
  }
  throw error;
}
