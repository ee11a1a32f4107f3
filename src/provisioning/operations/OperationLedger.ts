import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  DoneStep,
  Operation,
  OperationData,
  OperationFailure,
  OperationKind,
  OperationState,
} from './Operation.ts';

export interface NewOperation {
  readonly kind: OperationKind;
  readonly tenantId: string;
  readonly request: OperationData;
  readonly data: OperationData;
}

/** Changes of the central database that come in the same transaction as what is written down. */
export type InCentral = (em: EntityManager) => Promise<OperationData | undefined>;

/** What becomes of an operation with a step. What is left out stays. */
export interface Advance {
  /** The steps that are over now. */
  readonly done?: readonly DoneStep[];
  /** How many of the steps that are over remain so. */
  readonly keepDone?: number;
  readonly step?: string | undefined;
  readonly data?: OperationData | undefined;
  readonly state?: OperationState;
  readonly isUndoing?: boolean;
  readonly error?: OperationFailure;
  readonly inCentral?: InCentral | undefined;
}

/** How an operation begins: with its first step, whose changes are all in the central database. */
export interface FirstStep {
  readonly step: string;
  readonly next: string | undefined;
  readonly inCentral: InCentral;
}

/** Which operations are listed, the newest first. */
export interface OperationFilter {
  readonly tenantId?: string | undefined;
  /** Only those that are not over. @default false */
  readonly open?: boolean | undefined;
  /** @default 50 */
  readonly limit?: number | undefined;
}

/** Where operations are written down. */
export interface OperationLedger {
  /** Begins it for this worker, and does its first step in the same transaction. `undefined` when the tenant has one that is not over; nothing was changed then. */
  begin(operation: NewOperation, first: FirstStep): Promise<Operation | undefined>;
  /** The tenant's operation that is not over. */
  open(tenantId: string): Promise<Operation | undefined>;
  /** Takes it over where nobody holds it. `undefined` when somebody does. */
  claim(operation: Operation): Promise<Operation | undefined>;
  /** Rejects with `OperationLostError` when this worker does not hold it any more; nothing was changed then. */
  advance(operation: Operation, change: Advance): Promise<Operation>;
  /** A sign of life: the lease is a whole one again. */
  renew(operation: Operation): Promise<void>;
  /** The youngest first. */
  list(filter: OperationFilter): Promise<Operation[]>;
  /** The archivings of tenants that are archived still, whose time is over. */
  due(): Promise<Operation[]>;
}
