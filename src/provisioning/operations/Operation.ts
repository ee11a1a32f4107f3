/** What is done to a tenant in recorded steps. */
export type OperationKind = 'provision' | 'clone' | 'import' | 'move' | 'archive' | 'restore' | 'drop' | 'rename';

/**
 * `failed` is an operation that stands where it stopped: it is gone on with by calling the same again, or taken back.
 * `undone` is one of which nothing is left.
 */
export type OperationState = 'running' | 'done' | 'failed' | 'undone';

/** One step that is over. */
export interface DoneStep {
  readonly step: string;
  readonly tookMs: number;
}

/** Why an operation stands, without a secret. */
export interface OperationFailure {
  readonly step: string;
  readonly code: string | undefined;
  readonly message: string;
}

/** One operation, as it is written down. Times are ISO 8601 in UTC. */
export interface Operation {
  /** `undefined` without a central database: nothing is written down. */
  readonly id: string | undefined;
  readonly kind: OperationKind;
  readonly tenantId: string;
  readonly state: OperationState;
  /** Whether its steps are being taken back. */
  readonly isUndoing: boolean;
  /** What was asked for. The same call again goes on with it, another one is refused. */
  readonly request: OperationData;
  /** What the steps work on, chosen before they begin: names of databases, of the role. */
  readonly data: OperationData;
  /** The step that is next or under way. */
  readonly step: string | undefined;
  readonly done: readonly DoneStep[];
  readonly error: OperationFailure | undefined;
  readonly attempt: number;
  /** Whose it is as long as the lease holds. */
  readonly worker: string | undefined;
  readonly leaseUntil: string | undefined;
  readonly startedAt: string;
  readonly finishedAt: string | undefined;
}

/** Plain values by name, as JSON keeps them. */
export type OperationData = Readonly<Record<string, unknown>>;
