import type { EntityManager } from '@mikro-orm/postgresql';
import type { Operation, OperationData } from './Operation.ts';

/** What a step has to go by. */
export interface StepContext {
  readonly operation: Operation;
  readonly tenantId: string;
  /** What the steps work on, as it is written down. */
  readonly data: OperationData;
  /** Aborted when the caller gives up, or the manager closes. */
  readonly signal: AbortSignal;
  /** Tells how far the step is, as an event. */
  readonly progress: (progress: { readonly what: string; readonly done: number; readonly total: number }) => void;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a step that has nothing to write down returns nothing
type Patch = Promise<OperationData | undefined | void>;

/**
 * One step of an operation. It may be killed at any point and be run again, so that it leads to the same state however
 * often it is begun. What it gives is added to the data of the operation.
 */
export interface OperationStep {
  readonly name: string;
  /** Whether there is nothing to do; it is passed over then, and not written down. */
  readonly skip?: (context: StepContext) => Promise<boolean>;
  readonly run?: (context: StepContext) => Patch;
  /** Changes of the central database, in the transaction that writes down that the step is over; after `run`. */
  readonly inCentral?: (em: EntityManager, context: StepContext) => Patch;
  /** Leaves nothing of the step, also where it was not begun. */
  readonly undo?: (context: StepContext) => Promise<void>;
  /** The same in the transaction that writes down that the step is taken back. */
  readonly undoInCentral?: (em: EntityManager, context: StepContext) => Promise<void>;
  /** Where the step was begun and is not over, everything from that one on is taken back and done again. */
  readonly repeatFrom?: string;
  /** From this step on nothing can be taken back: an operation that stops here is gone on with. */
  readonly isFinal?: boolean;
}
