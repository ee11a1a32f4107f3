import { isDeepStrictEqual } from 'node:util';
import type { PgBoss } from 'pg-boss';
import { z } from 'zod';
import type { NewTenant } from '../catalog/TenantStore.ts';
import { TenancyConfigurationError, TenancyError, TenantConflictError } from '../errors.ts';
import type { FleetMigrateOptions, FleetWorkOptions } from '../migrations/fleet/FleetOptions.ts';
import type { FleetReport } from '../migrations/fleet/FleetRun.ts';
import type { ProvisionOptions } from '../provisioning/TenantProvisioner.ts';
import type { TenantOrmManager } from '../TenantOrmManager.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { assertTenantId } from '../tenant/tenantId.ts';

/** Options of {@link TenancyJobs}. */
export interface TenancyJobsOptions {
  /** The queue of pg-boss. @default 'tenancy-fleet' */
  readonly queue?: string | undefined;
}

/** How this process works on runs. */
export type TenancyWorkOptions = Pick<
  FleetWorkOptions,
  'concurrency' | 'concurrencyPerServer' | 'leaseMs' | 'onProgress'
>;

/** The part of pg-boss that is used. */
type Boss = Pick<PgBoss, 'createQueue' | 'getQueue' | 'send' | 'work' | 'offWork'>;

const DEFAULT_QUEUE = 'tenancy-fleet';

/**
 * A job is at most a day old, gives a sign of life each half minute, and is given to somebody else where it does not. What
 * is done twice does no harm: a run that has ended has nothing left to do.
 */
const QUEUE = Object.freeze({
  expireInSeconds: 86_400,
  heartbeatSeconds: 60,
  retryLimit: 20,
  retryDelay: 5,
  retryBackoff: true,
});

const optionsShape = z.strictObject({ queue: z.string().min(1).default(DEFAULT_QUEUE) });
const dataShape = z.union([
  z.object({ runId: z.string() }),
  z.object({ tenant: z.looseObject({ id: z.string() }), region: z.string().optional() }),
]);

/** The worker left the run before its end; pg-boss gives the job to another one. */
class RunLeftError extends TenancyError {
  readonly code = 'FLEET_RUN_LEFT';
}

/**
 * Runs over the fleet, and new tenants, worked on by whoever works on a queue of pg-boss. The run and its tenants are in the ledger of the
 * central database, as those of `manager.fleet` are; a job says no more than that there is a run to take part in.
 */
export class TenancyJobs<T extends Tenant = Tenant> {
  readonly #boss: Boss;
  readonly #manager: TenantOrmManager<T>;
  readonly #queue: string;
  #created: Promise<void> | undefined;

  /** `boss` has been started. Throws `TenancyConfigurationError`. */
  constructor(boss: Boss, manager: TenantOrmManager<T>, options: TenancyJobsOptions = {}) {
    const parsed = optionsShape.safeParse(options);
    if (!parsed.success) {
      throw new TenancyConfigurationError(`TenancyJobs: ${z.prettifyError(parsed.error)}`);
    }
    this.#boss = boss;
    this.#manager = manager;
    this.#queue = parsed.data.queue;
  }

  /**
   * Writes a run down, as `manager.fleet.migrate` does with these options, and sends a job for each of `workers` (1).
   * Resolves when they are sent; the report is that of a run that has just begun.
   */
  async migrate(
    options: Omit<FleetMigrateOptions<T>, keyof FleetWorkOptions> & { readonly workers?: number } = {},
  ): Promise<FleetReport> {
    const { workers = 1, ...rest } = options;
    this.#assertWorkers(workers);
    const report = await this.#manager.fleet.record(rest);
    await this.send(report.id ?? '', { workers });
    return report;
  }

  /** Sends jobs for a run that is there already, as after `manager.fleet.retry` was cut off. */
  async send(runId: string, { workers = 1 }: { readonly workers?: number } = {}): Promise<void> {
    this.#assertWorkers(workers);
    await this.#ensureQueue();
    for (let index = 0; index < workers; index += 1) {
      await this.#boss.send(this.#queue, { runId });
    }
  }

  /**
   * Sends a job by which a worker makes the tenant, as `manager.provision` does. One that dies leaves it to another one, which
   * goes on where it stopped.
   */
  async provision(tenant: NewTenant<T>, { region }: Pick<ProvisionOptions, 'region'> = {}): Promise<void> {
    const { id } = tenant as NewTenant<Tenant>;
    assertTenantId(id);
    await this.#ensureQueue();
    await this.#boss.send(this.#queue, { tenant, ...(region === undefined ? {} : { region }) });
  }

  /** Works on runs and new tenants, one at a time, until `stop` or until pg-boss stops, which leaves what is pending to others. */
  async work(options: TenancyWorkOptions = {}): Promise<void> {
    await this.#ensureQueue();
    await this.#boss.work<unknown>(this.#queue, { pollingIntervalSeconds: 1 }, async ([job]) => {
      if (job === undefined) {
        return;
      }
      const data = dataShape.parse(job.data);
      if ('tenant' in data) {
        await this.#make(data.tenant as NewTenant<Tenant> as NewTenant<T>, data.region, job.signal);
        return;
      }
      const { runId } = data;
      const report = await this.#manager.fleet.join(runId, { ...options, signal: job.signal });
      if (report.state === 'running') {
        throw new RunLeftError(`Fleet run "${runId}" was left before its end.`);
      }
    });
  }

  /** Takes no further job. */
  async stop(): Promise<void> {
    await this.#boss.offWork(this.#queue);
  }

  /** A job may come again after its worker has made the tenant and could not say so. */
  async #make(tenant: NewTenant<T>, region: string | undefined, signal: AbortSignal): Promise<void> {
    try {
      await this.#manager.provision(tenant, { region, signal });
    } catch (error) {
      const { id } = tenant as NewTenant<Tenant>;
      const [made] = error instanceof TenantConflictError ? await this.#manager.operations({ tenantId: id }) : [];
      const isThis =
        made?.kind === 'provision' && made.state === 'done' && isDeepStrictEqual(made.request['tenant'], tenant);
      if (!isThis) {
        throw error;
      }
    }
  }

  #ensureQueue(): Promise<void> {
    this.#created ??= this.#createQueue().catch((error: unknown) => {
      this.#created = undefined;
      throw error;
    });
    return this.#created;
  }

  async #createQueue(): Promise<void> {
    if ((await this.#boss.getQueue(this.#queue)) === null) {
      await this.#boss.createQueue(this.#queue, { ...QUEUE });
    }
  }

  #assertWorkers(workers: number): void {
    if (!Number.isInteger(workers) || workers < 1) {
      throw new TenancyConfigurationError('`workers` must be a whole number of at least 1.');
    }
  }
}
