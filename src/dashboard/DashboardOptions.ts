import type { Context } from 'koa';
import { z } from 'zod';
import { LONGEST_DELAY_MS } from '../connections/Clock.ts';
import { TenancyConfigurationError } from '../errors.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { ACTION_NAMES, type DashboardAction } from './actions/Action.ts';

/** One action, for a log of who did what. Plain data that JSON holds. */
export interface DashboardActionEvent {
  readonly action: DashboardAction;
  /** Of the tenant that it is done to, or of the tenants' run. */
  readonly tenantId: string | undefined;
  readonly runId: string | undefined;
  /** What `actor` gave. */
  readonly by: string | undefined;
  /** `begun` comes before anything is changed. */
  readonly state: 'begun' | 'done' | 'failed';
  /** Why it failed. */
  readonly error: string | undefined;
}

/** Options of `dashboard`. */
export interface DashboardOptions<T extends Tenant = Tenant> {
  /** Says who may use the dashboard, for each request. Anything but `true` is answered as a page that is not there. */
  readonly authorize: (ctx: Context) => boolean | Promise<boolean>;
  /** The path before every page, as `/operations/tenants`. @default none, for `mount('/…', dashboard(…))` */
  readonly prefix?: string | undefined;
  /** Who does it, for runs and for `onAction`: at most 200 characters. @default nobody is named */
  readonly actor?: ((ctx: Context) => string | undefined | Promise<string | undefined>) | undefined;
  /** What may be done from the page. An empty list makes it one to look at. @default everything but 'drop' */
  readonly actions?: readonly DashboardAction[] | undefined;
  /**
   * Hears of each action twice: before it, which it prevents by throwing, and of its end. What it throws then is an `error`
   * of the Koa application.
   */
  readonly onAction?: ((event: DashboardActionEvent, ctx: Context) => void | Promise<void>) | undefined;
  /** More about a tenant for its page, by name. Metadata may hold secrets, so nothing of it is shown otherwise. @default nothing */
  readonly details?: ((tenant: T) => Readonly<Record<string, string | number>>) | undefined;
  /** What is in charge here, for the head of each page. @default 'Tenancy' */
  readonly title?: string | undefined;
  /** How many tenants a page shows, 1 to 200. @default 50 */
  readonly tenantsPerPage?: number | undefined;
  /** How often an open page renews its figures, in milliseconds. @default 5000 */
  readonly refreshIntervalMs?: number | undefined;
  /** How long the version of a tenant's schema is shown before its database is asked again, in milliseconds. @default 60000 */
  readonly versionTtlMs?: number | undefined;
}

type Optional = 'actor' | 'onAction' | 'details';

export type CheckedDashboardOptions<T extends Tenant> = Pick<DashboardOptions<T>, Optional> & {
  readonly [K in Exclude<keyof DashboardOptions<T>, Optional>]-?: NonNullable<DashboardOptions<T>[K]>;
};

export const DASHBOARD_DEFAULTS = Object.freeze({
  prefix: '',
  actions: ACTION_NAMES.filter((name) => name !== 'drop'),
  title: 'Tenancy',
  tenantsPerPage: 50,
  refreshIntervalMs: 5_000,
  versionTtlMs: 60_000,
});

const fn = <F>() => z.custom<F>((value) => typeof value === 'function', 'a function');

const shape = z.strictObject({
  authorize: fn<DashboardOptions['authorize']>(),
  prefix: z
    .string()
    .regex(/^(?:\/[\w.~-]+)*$/, 'a path as `/operations/tenants`, without a slash at its end')
    .default(DASHBOARD_DEFAULTS.prefix),
  actor: fn<DashboardOptions['actor']>().optional(),
  actions: z.array(z.enum(ACTION_NAMES)).default([...DASHBOARD_DEFAULTS.actions]),
  onAction: fn<DashboardOptions['onAction']>().optional(),
  details: fn<DashboardOptions['details']>().optional(),
  title: z.string().min(1).max(100).default(DASHBOARD_DEFAULTS.title),
  tenantsPerPage: z.int().min(1).max(200).default(DASHBOARD_DEFAULTS.tenantsPerPage),
  refreshIntervalMs: z.int().min(100).max(LONGEST_DELAY_MS).default(DASHBOARD_DEFAULTS.refreshIntervalMs),
  versionTtlMs: z.int().min(1).max(LONGEST_DELAY_MS).default(DASHBOARD_DEFAULTS.versionTtlMs),
});

/** Checks the options and fills in the defaults. Throws `TenancyConfigurationError`, which names each option. */
export function checkDashboardOptions<T extends Tenant>(options: DashboardOptions<T>): CheckedDashboardOptions<T> {
  const parsed = shape.safeParse(options);
  if (!parsed.success) {
    throw new TenancyConfigurationError(`dashboard: ${z.prettifyError(parsed.error)}`);
  }
  // `T` is the caller's.
  return Object.freeze({ ...parsed.data, details: options.details });
}
