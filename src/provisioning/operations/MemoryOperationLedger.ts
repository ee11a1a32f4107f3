import type { EntityManager } from '@mikro-orm/postgresql';
import type { Operation } from './Operation.ts';
import type { Advance, FirstStep, NewOperation, OperationLedger } from './OperationLedger.ts';

/** The operations of this process, for managers without a central database: nothing outlives it. */
export class MemoryOperationLedger implements OperationLedger {
  readonly #open = new Map<string, Operation>();

  async begin(
    { kind, tenantId, request, data }: NewOperation,
    { step, next, inCentral }: FirstStep,
  ): Promise<Operation | undefined> {
    if (this.#open.has(tenantId)) {
      return undefined;
    }
    const startedAt = new Date().toISOString();
    const operation: Operation = {
      ...{ id: undefined, kind, tenantId, request, startedAt, step: next },
      ...{ state: 'running', isUndoing: false, done: [{ step, tookMs: 0 }], attempt: 1, error: undefined },
      ...{ worker: undefined, leaseUntil: undefined, finishedAt: undefined },
      data: { ...data, ...(await inCentral(NO_CENTRAL)) },
    };
    this.#open.set(tenantId, operation);
    return operation;
  }

  async open(tenantId: string): Promise<Operation | undefined> {
    return this.#open.get(tenantId);
  }

  async claim(operation: Operation): Promise<Operation | undefined> {
    const { tenantId } = operation;
    const open = this.#open.get(tenantId);
    if (open?.state !== 'failed') {
      return undefined;
    }
    return this.#keep({ ...open, state: 'running', attempt: open.attempt + 1 });
  }

  async advance({ tenantId }: Operation, change: Advance): Promise<Operation> {
    const operation = this.#open.get(tenantId) as Operation;
    const { done = [], keepDone, inCentral, data, ...rest } = change;
    const patch = await inCentral?.(NO_CENTRAL);
    const kept = operation.done.slice(0, keepDone);
    return this.#keep({
      ...operation,
      ...rest,
      done: [...kept, ...done],
      data: { ...operation.data, ...data, ...patch },
      finishedAt: change.state === undefined ? operation.finishedAt : new Date().toISOString(),
    });
  }

  async renew(): Promise<void> {}

  async list(): Promise<Operation[]> {
    return [...this.#open.values()];
  }

  async due(): Promise<Operation[]> {
    return [];
  }

  #keep(operation: Operation): Operation {
    if (operation.state === 'done' || operation.state === 'undone') {
      this.#open.delete(operation.tenantId);
    } else {
      this.#open.set(operation.tenantId, operation);
    }
    return operation;
  }
}

/** Steps ask for a central database first where they need one. */
const NO_CENTRAL = undefined as unknown as EntityManager;
