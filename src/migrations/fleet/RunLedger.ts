import type { RecordedChecksums } from '../status/FleetStatusReader.ts';
import type {
  FleetFailure,
  FleetItem,
  FleetItemState,
  FleetMigration,
  FleetRun,
  FleetRunKind,
  FleetRunSettings,
} from './FleetRun.ts';

export interface NewFleetRun {
  readonly kind: FleetRunKind;
  readonly settings: FleetRunSettings;
  readonly by: string | undefined;
  readonly ofRun: string | undefined;
}

export interface NewFleetItem {
  readonly tenantId: string;
  readonly server: string;
  readonly wave: number;
  /** What is to be taken back, in the order of its application. @default whatever is pending is applied */
  readonly takesBack?: readonly FleetMigration[] | undefined;
}

/** A tenant that one worker has for one attempt. */
export interface Claim {
  readonly tenantId: string;
  readonly server: string;
  readonly wave: number;
  /** From 1, over all workers. What a worker writes counts only while this is the latest. */
  readonly attempt: number;
  /** How many of them `retry` does not count. */
  readonly forgiven: number;
  readonly takesBack: readonly FleetMigration[] | undefined;
}

/** How an attempt ended. */
export interface Outcome {
  /** `pending`: it is tried again after `againInMs`. */
  readonly state: Exclude<FleetItemState, 'running'>;
  readonly againInMs: number;
  readonly migrations: readonly FleetMigration[];
  readonly to: string | undefined;
  readonly error: FleetFailure | undefined;
  /** Whether the attempt does not count: its worker had to leave. */
  readonly isForgiven: boolean;
}

/** What a worker needs to know to decide what comes next. */
export interface Progress {
  readonly run: FleetRun;
  /** Of each tenant, the waves in their order. */
  readonly states: readonly { readonly wave: number; readonly state: FleetItemState; readonly count: number }[];
  /** Failures that were there when the run was resumed. */
  readonly failuresBefore: number;
  /** Whether somebody went on by `resume` in spite of this wave's failures. */
  readonly isWaveForgiven: boolean;
}

/** Which tenants of a run are read. */
export interface ItemFilter {
  /** @default all */
  readonly states?: readonly FleetItemState[] | undefined;
  /** @default all */
  readonly limit?: number | undefined;
}

/** Who changes a run that rests: to go on with what is pending, or to try what failed as well. */
export type Reopening = 'resume' | 'retry';

/**
 * Where a run and its tenants are written down. Every step is written before it is taken, so that whoever comes after a
 * crash knows where it was. `worker` is a name that no other worker has.
 */
export interface RunLedger {
  progress(): Promise<Progress>;
  /** In the order of the run; with `states`, only those, and with `limit` no more than so many. */
  items(filter?: ItemFilter): Promise<FleetItem[]>;
  /** Takes the next tenant that is due, on one of these servers, or whose worker gave no sign of life in time. */
  claim(worker: string, servers: readonly string[], leaseMs: number): Promise<Claim | undefined>;
  /**
   * Writes down what a database had before the run's first attempt, and gives it. `undefined` if the claim is lost.
   */
  begin(claim: Claim, worker: string, executed: readonly string[]): Promise<readonly string[] | undefined>;
  /** Returns whether the claim still held. */
  settle(claim: Claim, worker: string, outcome: Outcome): Promise<boolean>;
  renew(worker: string, leaseMs: number): Promise<void>;
  /** Begins the wave after `wave`, if that is the one under way. */
  advance(wave: number): Promise<void>;
  stop(because: string): Promise<void>;
  finish(): Promise<void>;
  reopen(how: Reopening): Promise<void>;
}

/** The runs that are written down in the central database. */
export interface FleetLedger {
  create(run: NewFleetRun, items: readonly NewFleetItem[]): Promise<RunLedger>;
  /** Rejects with `FleetRunNotFoundError`. */
  open(runId: string): Promise<RunLedger>;
  /** The newest first. */
  runs(limit: number): Promise<FleetRun[]>;
  /** The checksums of migrations when they were applied, by tenant and then by name. */
  checksums(tenantIds: readonly string[]): Promise<RecordedChecksums>;
}
