import type { Operation } from '../../provisioning/operations/Operation.ts';
import type { Tenant } from '../../tenant/Tenant.ts';
import type { DashboardManager } from '../DashboardManager.ts';

/** What can be done from the page, as the addresses of the pages have it. */
export const ACTION_NAMES = Object.freeze([
  'suspend',
  'resume',
  'readonly',
  'maintenance',
  'migrate',
  'archive',
  'restore',
  'drop',
  'resume-operation',
  'undo-operation',
  'resume-run',
  'retry-run',
] as const);

/** What can be done on the pages, by the name that `actions` and `onAction` have for it. */
export type DashboardAction = (typeof ACTION_NAMES)[number];

/** Who an action is done by, for runs. */
export interface DoneBy {
  readonly by: string | undefined;
}

/** What an action has set going. */
export interface Begun {
  /** The page where its course is seen, below the dashboard. */
  readonly at: string;
  /** What goes on after the answer. Comes to what failed, where that is no rejection. @default it is over */
  readonly work?: Promise<string | undefined> | undefined;
}

/** What an action says of itself. */
export interface ActionWords {
  readonly name: DashboardAction;
  /** What the button says. */
  readonly label: string;
  /** What it does, for who is about to confirm it. */
  readonly effect: string;
  /** Whether the name has to be typed first. */
  readonly isDestructive?: boolean | undefined;
}

/** An action on one tenant. */
export interface TenantAction extends ActionWords {
  readonly needsCentral: boolean;
  /** Whether it makes sense for the tenant as it is now; whoever does it checks again. */
  readonly suits: (tenant: Tenant | undefined, open: Operation | undefined) => boolean;
  readonly begin: (manager: DashboardManager, id: string, by: DoneBy) => Promise<Begun>;
}
