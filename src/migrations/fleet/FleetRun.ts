import type { StatusFailure } from '../status/FleetStatus.ts';

/** A run applies migrations, or takes back what another run applied. */
export type FleetRunKind = 'migrate' | 'rollback';

/** A run that is `stopped` has tenants left, and goes on by `resume` or `retry`. */
export type FleetRunState = 'running' | 'stopped' | 'finished';

export const FLEET_ITEM_STATES = Object.freeze(['pending', 'running', 'done', 'unchanged', 'failed'] as const);

/**
 * Where a tenant of a run is. `done`: migrations were applied, or taken back; `unchanged`: there was nothing to do;
 * `failed`: it was tried as often as it should be, or trying again would not help.
 */
export type FleetItemState = (typeof FLEET_ITEM_STATES)[number];

/** What each attempt of a run keeps to, whichever process makes it. */
export interface FleetRunSettings {
  readonly to: string | undefined;
  readonly attempts: number;
  readonly lockTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly stopAfterFailures: number | undefined;
  readonly pauseMs: number;
  /** Whether somebody has to agree before the next wave begins. */
  readonly confirms: boolean;
}

/** A run as the ledger has it. */
export interface FleetRun {
  /** `undefined` where there is no central database to record it. */
  readonly id: string | undefined;
  readonly kind: FleetRunKind;
  readonly state: FleetRunState;
  readonly settings: FleetRunSettings;
  /** Who did it. */
  readonly by: string | undefined;
  /** The run whose migrations are taken back. */
  readonly ofRun: string | undefined;
  /** How many waves there are. */
  readonly waves: number;
  /** The wave that is under way, from 1. */
  readonly wave: number;
  readonly stoppedBecause: string | undefined;
  readonly startedAt: string;
  readonly finishedAt: string | undefined;
}

/** A migration that a run applied or took back. */
export interface FleetMigration {
  readonly name: string;
  /** Of its source at that time; `undefined` where it is not known any more. */
  readonly checksum: string | undefined;
}

/** Why a tenant failed, as plain data. */
export interface FleetFailure extends StatusFailure {
  /** The migration that failed. */
  readonly migration: string | undefined;
  /** Whether it may have left some of its statements in force: it was not in a transaction. */
  readonly mayBeHalfDone: boolean;
}

/** One tenant of a run. */
export interface FleetItem {
  readonly tenantId: string;
  readonly server: string;
  /** From 1. */
  readonly wave: number;
  readonly state: FleetItemState;
  readonly attempts: number;
  /** The last migration before the run; `undefined` before it was looked at, and for a database without any. */
  readonly from: string | undefined;
  /** The last migration after it. */
  readonly to: string | undefined;
  readonly migrations: readonly FleetMigration[];
  readonly error: FleetFailure | undefined;
  readonly startedAt: string | undefined;
  readonly finishedAt: string | undefined;
}

/** How many tenants of a run are in each state. */
export type FleetCounts = Readonly<Record<FleetItemState | 'tenants', number>>;

/** What became of a run. Plain data that JSON holds. */
export interface FleetReport extends FleetRun {
  /** Whether it is in the ledger, so that it can be resumed, retried and rolled back. */
  readonly recorded: boolean;
  readonly counts: FleetCounts;
  readonly items: readonly FleetItem[];
}

/** How one wave went, for who decides about the next one. */
export interface FleetWaveReport {
  readonly runId: string | undefined;
  readonly wave: number;
  readonly waves: number;
  readonly counts: FleetCounts;
  /** How many tenants the next wave has. */
  readonly next: number;
}

export function countsOf(states: readonly FleetItemState[]): FleetCounts {
  const counts = { tenants: states.length, pending: 0, running: 0, done: 0, unchanged: 0, failed: 0 };
  for (const state of states) {
    counts[state] += 1;
  }
  return counts;
}
