import type { MigrationDifferences } from './compareMigrations.ts';
import type { SchemaDifference } from './schemaDifferences.ts';

/** Where the fleet stands. Plain data that JSON holds. */
export interface FleetStatus {
  readonly at: string;
  /** The newest migration that the application knows. */
  readonly latest: string | undefined;
  /** How many migrations the application knows. */
  readonly known: number;
  /** Whether there is a central database, whose ledger has the checksums of what was applied. */
  readonly recorded: boolean;
  readonly counts: FleetStatusCounts;
  /** In ascending order of the id. */
  readonly tenants: readonly TenantStatusReport[];
}

/** How many tenants. One tenant may be in several of the counts below `failed`. */
export interface FleetStatusCounts {
  readonly tenants: number;
  readonly current: number;
  readonly behind: number;
  readonly ahead: number;
  readonly failed: number;
  readonly missing: number;
  readonly outOfOrder: number;
  /** `undefined` where nothing is recorded to tell by. */
  readonly edited: number | undefined;
  /** `undefined` where drift was not asked for. */
  readonly drifted: number | undefined;
}

/** Where one tenant stands: its `state` says which of the two it is. */
export type TenantStatusReport = TenantVersionReport | TenantFailureReport;

interface OfTenant {
  readonly tenantId: string;
  readonly server: string;
}

/** A tenant whose database answered. */
export interface TenantVersionReport extends OfTenant, Omit<MigrationDifferences, 'edited'> {
  /** `behind` with anything pending, `ahead` with nothing pending and something newer than what is known. */
  readonly state: 'current' | 'behind' | 'ahead';
  /** How many are pending. */
  readonly behindBy: number;
  /** `undefined` where nothing is recorded to tell by. */
  readonly edited: readonly string[] | undefined;
  /** `undefined` where it was not asked for. */
  readonly drift: TenantDrift | undefined;
}

/** A tenant whose database is missing, cannot be reached, or did not answer in time. */
export interface TenantFailureReport extends OfTenant {
  readonly state: 'failed';
  readonly error: StatusFailure;
}

/** Why a tenant could not be asked. Plain data, without secrets. */
export interface StatusFailure {
  /** Of an error of this library, as `TENANT_DATABASE_MISSING`. */
  readonly code: string | undefined;
  readonly sqlState: string | undefined;
  readonly message: string;
}

/** How a tenant's schema differs from what its migrations come to. */
export type TenantDrift =
  | { readonly is: 'none' }
  | {
      readonly is: 'different';
      /** How many objects differ. */
      readonly objects: number;
      /** The first 100 of them, by kind and name. */
      readonly differences: readonly SchemaDifference[];
    }
  | { readonly is: 'unknown'; readonly because: string };
