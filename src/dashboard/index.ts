export type { DashboardAction } from './actions/Action.ts';
export type { DashboardFleet, DashboardManager } from './DashboardManager.ts';
export type { DashboardActionEvent, DashboardOptions } from './DashboardOptions.ts';
export { dashboard } from './dashboard.ts';
