export { StaticCatalog } from './catalog/StaticCatalog.ts';
export type { ListOptions, TenantCatalog, TenantPage } from './catalog/TenantCatalog.ts';
export type { BreakerState, PostgresServerStats } from './connections/PostgresServer.ts';
export type { Password, ReplicaOptions, ServerOptions } from './connections/ServerOptions.ts';
export type { SessionOption, SessionSettings } from './connections/SessionSettings.ts';
export { currentTenant, requireTenant } from './context/TenantContext.ts';
export {
  BadTenantRequestError,
  ClientGoneError,
  ConnectionBudgetExceededError,
  LeaseReleasedError,
  ManagerClosedError,
  MigrationLockTimeoutError,
  NoTenantError,
  TenancyConfigurationError,
  TenancyError,
  TenantAmbiguousError,
  TenantClosedError,
  TenantConnectionError,
  TenantDatabaseMissingError,
  TenantForbiddenError,
  TenantNotFoundError,
  TenantOpenError,
  TenantReadOnlyError,
  TenantUnavailableError,
  WrongDatabaseError,
  WrongTenantError,
} from './errors.ts';
export type { CloseReason, ServerRoute, TenancyEmitter, TenancyEvents } from './events.ts';
export type { TenantOrmManagerOptions } from './ManagerOptions.ts';
export type { TenantMigrateOptions, TenantMigrator } from './migrations/TenantMigrator.ts';
export type { RunOptions, TenantLease, TenantWork } from './orm/TenantLease.ts';
export type { TenantOrmOptions } from './orm/TenantOrmOptions.ts';
export {
  type EachOptions,
  type EachResult,
  TenantOrmManager,
  type TenantOrmManagerStats,
} from './TenantOrmManager.ts';
export type { Tenant, TenantStatus } from './tenant/Tenant.ts';
