import type pg from 'pg';
import type { CloseCause } from './BudgetedConnection.ts';
import type { LeakWatch } from './LeakWatch.ts';
import type { TenantSession } from './SessionSettings.ts';
import type { SqlComment } from './SqlComment.ts';
import type { TenantConnection } from './TenantConnection.ts';

/** What one connection reports to its owner. */
export interface TenantConnectionListener {
  released(connection: TenantConnection, destroy: boolean): void;
  /** The transaction status (`T` or `E`), or `busy`, in which a user left the connection. */
  tainted(status: string): void;
  broke(connection: TenantConnection, error: unknown): void;
  closed(cause: CloseCause): void;
}

export interface TenantConnectionParts {
  readonly client: pg.Client;
  readonly tenantId: string;
  readonly listener: TenantConnectionListener;
  /** Whether a pooler is in between, which forgets the statement of a client whose socket is cut. */
  readonly isPooled: boolean;
  readonly leaks: LeakWatch | undefined;
  readonly session: TenantSession;
  /** What is appended to each statement. @default nothing */
  readonly comment?: SqlComment | undefined;
}
