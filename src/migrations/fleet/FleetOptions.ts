import { z } from 'zod';
import { LONGEST_DELAY_MS } from '../../connections/Clock.ts';
import { TenancyConfigurationError } from '../../errors.ts';
import type { Tenant, TenantStatus } from '../../tenant/Tenant.ts';
import {
  FLEET_ITEM_STATES,
  type FleetCounts,
  type FleetItem,
  type FleetItemState,
  type FleetWaveReport,
} from './FleetRun.ts';
import { type FleetWave, waveShape } from './waves.ts';

/** Which tenants. Left out, all whose status is `active`, `readonly`, `suspended` or `maintenance`. */
export interface FleetSelection<T extends Tenant = Tenant> {
  /** Exactly these; one that does not exist is `TenantNotFoundError`. */
  readonly ids?: readonly string[] | undefined;
  /** Those of these statuses. @default active, readonly, suspended and maintenance */
  readonly status?: TenantStatus | readonly TenantStatus[] | undefined;
  /** Those on these servers, by name. */
  readonly server?: string | readonly string[] | undefined;
  /** Those for which this holds: by their metadata, or by columns of your own. */
  readonly where?: ((tenant: T) => boolean) | undefined;
  /** Only those that lack a migration, which asks each of their databases first. @default false */
  readonly behind?: boolean | undefined;
}

/** How a worker goes about a run. Each process has its own. */
export interface FleetWorkOptions {
  /** How many tenants at once. @default as many as their servers allow */
  readonly concurrency?: number | undefined;
  /**
   * How many tenants of one server at once: at most `reservedConnections` - 1 of the server, for a migration may need a
   * second connection. @default that many
   */
  readonly concurrencyPerServer?: number | undefined;
  /** Finishes what is under way and leaves the rest pending. The run is `stopped` then, and can be resumed. */
  readonly signal?: AbortSignal | undefined;
  /** Decides after each wave but the last, failures included, whether the next one begins. @default yes, unless one failed */
  readonly between?: ((wave: FleetWaveReport) => boolean | Promise<boolean>) | undefined;
  /** Hears of each tenant that this process has settled, and of the counts of the run then. */
  readonly onProgress?: ((item: FleetItem, counts: FleetCounts) => void) | undefined;
  /**
   * After how long without a sign of life a worker's tenant goes to another one, in milliseconds. A sign is given three
   * times as often. @default 30000
   */
  readonly leaseMs?: number | undefined;
}

/** What a run of migrations is to do. */
export interface FleetPlanOptions<T extends Tenant = Tenant> extends FleetSelection<T> {
  /** The last migration to apply. @default the newest */
  readonly to?: string | undefined;
  /** In which order. @default by id */
  readonly order?: ((one: T, other: T) => number) | undefined;
  /**
   * Which tenants come first: each wave is a list of ids, a percentage of all as '1%', or 'rest', and begins once the one
   * before is done. Tenants that no wave names are in the last one. @default one wave
   * @example ['1%', '10%', 'rest']
   */
  readonly waves?: readonly FleetWave[] | undefined;
}

/** Options of {@link FleetMigrator.migrate}: which tenants, in which waves, and how. */
export interface FleetMigrateOptions<T extends Tenant = Tenant> extends FleetPlanOptions<T>, FleetWorkOptions {
  /** The run stops once so many tenants have failed. @default it goes on, but not into the next wave */
  readonly stopAfterFailures?: number | undefined;
  /** How long to wait between two waves, in milliseconds. @default 0 */
  readonly pauseMs?: number | undefined;
  /** How often a tenant is tried whose error may pass: a lock, a deadlock, a connection. @default 5 */
  readonly attempts?: number | undefined;
  /**
   * How long a statement may wait for a lock, in milliseconds; whoever comes after it waits as long. 0 is no limit.
   * @default 3000
   */
  readonly lockTimeoutMs?: number | undefined;
  /** How long a statement may take, in milliseconds; 0 is no limit. @default 0 */
  readonly statementTimeoutMs?: number | undefined;
  /** Who does it, for the ledger. */
  readonly by?: string | undefined;
}

/** Options of {@link FleetMigrator.rollback}. */
export type FleetRollbackOptions = FleetWorkOptions &
  Pick<FleetMigrateOptions, 'attempts' | 'lockTimeoutMs' | 'statementTimeoutMs' | 'stopAfterFailures' | 'by'>;

/** Which tenants of a run its report has. */
export interface FleetReportOptions {
  /** Only those that are in one of these states. @default all */
  readonly states?: readonly FleetItemState[] | undefined;
  /** No more than so many, in the order of the run. @default all */
  readonly limit?: number | undefined;
}

export const FLEET_DEFAULTS = Object.freeze({
  attempts: 5,
  lockTimeoutMs: 3_000,
  statementTimeoutMs: 0,
  pauseMs: 0,
  leaseMs: 30_000,
});

const fn = <F>() => z.custom<F>((value) => typeof value === 'function', 'a function').optional();
const names = z.union([z.string(), z.array(z.string())]).optional();
const count = z.int().min(1).optional();
const limit = z.int().min(0).max(LONGEST_DELAY_MS);

const work = {
  concurrency: count,
  concurrencyPerServer: count,
  signal: z.instanceof(AbortSignal).optional(),
  between: fn<NonNullable<FleetWorkOptions['between']>>(),
  onProgress: fn<NonNullable<FleetWorkOptions['onProgress']>>(),
  leaseMs: z.int().min(100).max(LONGEST_DELAY_MS).default(FLEET_DEFAULTS.leaseMs),
};

const run = {
  stopAfterFailures: count,
  attempts: z.int().min(1).default(FLEET_DEFAULTS.attempts),
  lockTimeoutMs: limit.default(FLEET_DEFAULTS.lockTimeoutMs),
  statementTimeoutMs: limit.default(FLEET_DEFAULTS.statementTimeoutMs),
  by: z.string().max(200).optional(),
};

const selection = {
  ids: z.array(z.string()).optional(),
  status: names,
  server: names,
  where: fn<(tenant: Tenant) => boolean>(),
  behind: z.boolean().default(false),
};

const plan = {
  ...selection,
  to: z.string().min(1).optional(),
  order: fn<(one: Tenant, other: Tenant) => number>(),
  waves: z.array(waveShape).min(1).optional(),
};

export const planShape = z.strictObject({ ...plan, sql: z.boolean().default(false), signal: work.signal });
export const recordShape = z.strictObject({
  ...plan,
  ...run,
  pauseMs: limit.default(FLEET_DEFAULTS.pauseMs),
});
export const migrateShape = z.strictObject({
  ...plan,
  ...work,
  ...run,
  pauseMs: limit.default(FLEET_DEFAULTS.pauseMs),
});
export const workShape = z.strictObject(work);
export const rollbackShape = z.strictObject({ ...work, ...run });
export const reportShape = z.strictObject({
  states: z.array(z.enum(FLEET_ITEM_STATES)).optional(),
  limit: z.int().min(0).optional(),
});
export const selectionShape = z.strictObject(selection);

export type CheckedWork = z.infer<typeof workShape>;
export type CheckedSelection = z.infer<typeof selectionShape>;

/** Checks the options of `fleet.<method>` and fills in the defaults. Throws `TenancyConfigurationError`. */
export function checkFleetOptions<S extends z.ZodType>(method: string, schema: S, options: unknown): z.infer<S> {
  const parsed = schema.safeParse(options);
  if (!parsed.success) {
    throw new TenancyConfigurationError(`\`fleet.${method}\`: ${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}
