import type { TenancyEmitter } from '../events.ts';
import { TRACING, type Tracing } from '../observability/Tracing.ts';
import type { TenantOrmManagerStats } from '../TenantOrmManager.ts';

/** What measuring needs of a `TenantOrmManager`. */
export interface WatchedManager {
  readonly events: TenancyEmitter;
  stats(): TenantOrmManagerStats;
  /** @internal */
  readonly [TRACING]: Tracing;
}
