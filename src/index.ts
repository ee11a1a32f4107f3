export { CachedCatalog, type CachedCatalogOptions } from './catalog/CachedCatalog.ts';
export type { CatalogChange, CatalogChangeBatch, CatalogChanges } from './catalog/CatalogChanges.ts';
export type { CatalogTenant, TenantDomainDetails, TenantEntityType, TenantOf } from './catalog/CatalogTenant.ts';
export { type CatalogDatabase, DatabaseCatalog } from './catalog/DatabaseCatalog.ts';
export type { EachOptions, EachResult } from './catalog/eachTenant.ts';
export { StaticCatalog } from './catalog/StaticCatalog.ts';
export type { ListOptions, TenantCatalog, TenantPage } from './catalog/TenantCatalog.ts';
export { TenantDomain, TenantEntity } from './catalog/TenantEntity.ts';
export { RESERVED_IDS, type TenantRulesOptions } from './catalog/TenantRules.ts';
export type { NewDomainOptions, NewTenant, TenantChange, TenantStore, WriteOptions } from './catalog/TenantStore.ts';
export type { CentralDatabase, CentralRunOptions } from './central/CentralDatabase.ts';
export type { CentralMigrateOptions } from './central/CentralMigrations.ts';
export type { CentralCatalogOptions, CentralOptions } from './central/CentralOptions.ts';
export type { BreakerState, PostgresServerStats } from './connections/PostgresServer.ts';
export type { Password, ReplicaOptions, ServerOptions } from './connections/ServerOptions.ts';
export type { SessionOption, SessionSettings } from './connections/SessionSettings.ts';
export type { SqlCommentFields, SqlCommentOf, SqlCommentOption } from './connections/SqlComment.ts';
export { currentTenant, requireTenant } from './context/TenantContext.ts';
export { TenantReplacedError } from './context/TenantReplacedError.ts';
export type { TenantSnapshot } from './context/TenantSnapshot.ts';
export { tenantKey } from './context/tenantKey.ts';
export { tenantPath } from './context/tenantPath.ts';
export type { DomainChallenge } from './domains/DomainChallenge.ts';
export type { TxtResolver } from './domains/lookUpTxt.ts';
export {
  type DomainStore,
  type DomainVerification,
  TenantDomains,
  type TenantDomainsOptions,
} from './domains/TenantDomains.ts';
export {
  BadTenantRequestError,
  CatalogUnavailableError,
  ClientGoneError,
  ConnectionBudgetExceededError,
  LeaseReleasedError,
  ManagerClosedError,
  MigrationIncompleteError,
  MigrationLockTimeoutError,
  NoTenantError,
  SessionOfOtherTenantError,
  TenancyConfigurationError,
  TenancyError,
  TenantAmbiguousError,
  TenantBehindError,
  TenantBusyError,
  TenantChangedError,
  TenantClosedError,
  TenantConflictError,
  TenantConnectionError,
  TenantConnectionLostError,
  TenantDatabaseMissingError,
  TenantForbiddenError,
  TenantNotFoundError,
  TenantOpenError,
  TenantReadOnlyError,
  TenantSuspendedError,
  TenantUnavailableError,
  WrongDatabaseError,
  WrongTenantError,
} from './errors.ts';
export type { CloseReason, ServerRoute, TenancyEmitter, TenancyEvents } from './events.ts';
export type { CentralManagerOptions, OtherManagerOptions, TenantOrmManagerOptions } from './ManagerOptions.ts';
export type { FleetMigrator } from './migrations/fleet/FleetMigrator.ts';
export type {
  FleetMigrateOptions,
  FleetPlanOptions,
  FleetReportOptions,
  FleetRollbackOptions,
  FleetSelection,
  FleetWorkOptions,
} from './migrations/fleet/FleetOptions.ts';
export type { FleetPlan, PlannedMigration, PlannedTenant } from './migrations/fleet/FleetPlan.ts';
export type {
  FleetCounts,
  FleetFailure,
  FleetItem,
  FleetItemState,
  FleetMigration,
  FleetReport,
  FleetRun,
  FleetRunKind,
  FleetRunSettings,
  FleetRunState,
  FleetWaveReport,
} from './migrations/fleet/FleetRun.ts';
export {
  FleetNotRecordedError,
  FleetRollbackError,
  FleetRunNotFoundError,
  FleetRunStateError,
} from './migrations/fleet/fleetErrors.ts';
export type { FleetWave } from './migrations/fleet/waves.ts';
export type { VersionGateOptions } from './migrations/gate/VersionGateOptions.ts';
export type {
  FleetStatus,
  FleetStatusCounts,
  StatusFailure,
  TenantDrift,
  TenantFailureReport,
  TenantStatusReport,
  TenantVersionReport,
} from './migrations/status/FleetStatus.ts';
export type { FleetStatusOptions } from './migrations/status/FleetStatusOptions.ts';
export type { SchemaDifference } from './migrations/status/schemaDifferences.ts';
export type { TenantMigrateOptions, TenantMigrator } from './migrations/TenantMigrator.ts';
export type { TenancyChannels, TenancyTrace } from './observability/channels.ts';
export { type TenancyLogFields, tenancyLogFields } from './observability/tenancyLogFields.ts';
export { type LoggerFactory, type TenantLoggerOptions, tenantLogger } from './observability/tenantLogger.ts';
export type { OtherDatabases } from './orm/OtherDatabases.ts';
export type { RunOptions, TenantLease, TenantWork } from './orm/TenantLease.ts';
export type { OtherOrmOptions, TenantOrmOptions } from './orm/TenantOrmOptions.ts';
export type { CopyDifference } from './provisioning/copy/CopyOptions.ts';
export { DatabaseCopyError } from './provisioning/copy/copyErrors.ts';
export type {
  DoneStep,
  Operation,
  OperationData,
  OperationFailure,
  OperationKind,
  OperationState,
} from './provisioning/operations/Operation.ts';
export type { OperationFilter } from './provisioning/operations/OperationLedger.ts';
export type { OperationOptions } from './provisioning/operations/OperationRunner.ts';
export {
  OperationLostError,
  OperationNotFoundError,
  OperationRequestError,
  TenantOperationError,
  TenantOperationUnderwayError,
} from './provisioning/operations/operationErrors.ts';
export type {
  ProvisioningOptions,
  SeederClass,
  SpareOptions,
  TemplateDatabaseOptions,
  TenantHook,
  TenantSeed,
} from './provisioning/ProvisioningOptions.ts';
export type { PlacementOptions, ServerLoad, ServerRoom } from './provisioning/placement.ts';
export { CopyDiffersError, TenantStatusError } from './provisioning/provisioningErrors.ts';
export type { RolesOptions } from './provisioning/roles/RolesOptions.ts';
export type { TenantLife } from './provisioning/TenantLife.ts';
export type {
  ArchiveOptions,
  ExportFormat,
  ExportOptions,
  ImportOptions,
  MoveOptions,
  ProvisionOptions,
  PruneReport,
} from './provisioning/TenantProvisioner.ts';
export { EncryptedSecretStore } from './secrets/EncryptedSecretStore.ts';
export type { SecretKeys, SecretStore } from './secrets/SecretStore.ts';
export { SecretUnreadableError, TenantSecretMissingError } from './secrets/secretErrors.ts';
export {
  type AcquireOptions,
  TenantOrmManager,
  type TenantOrmManagerStats,
} from './TenantOrmManager.ts';
export type { Tenant, TenantStatus } from './tenant/Tenant.ts';
