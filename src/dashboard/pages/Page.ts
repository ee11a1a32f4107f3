import type { Tenant } from '../../tenant/Tenant.ts';
import type { ActionLog } from '../actions/ActionLog.ts';
import type { DashboardManager } from '../DashboardManager.ts';
import type { CheckedDashboardOptions } from '../DashboardOptions.ts';
import type { Html } from '../html.ts';
import type { Links } from '../Links.ts';
import type { RunCounts } from '../RunCounts.ts';
import type { TenantVersions } from '../TenantVersions.ts';

/** The entries of the menu. */
export type Section = 'tenants' | 'servers' | 'runs' | 'operations';

/** What is shown, without what is around it on every page. */
export interface Page {
  /** @default 200 */
  readonly status?: number;
  /** Where it belongs in the menu. */
  readonly section: Section | undefined;
  readonly title: string;
  /** Whether nothing on it is renewed. @default false */
  readonly isStill?: boolean;
  readonly body: Html;
}

/** What a page is made from. */
export interface PageParts<T extends Tenant> {
  readonly manager: DashboardManager<T>;
  readonly options: CheckedDashboardOptions<T>;
  readonly versions: TenantVersions;
  readonly runCounts: RunCounts;
  readonly log: ActionLog;
  readonly links: Links;
  readonly query: URLSearchParams;
}
