import { isDeepStrictEqual } from 'node:util';
import { messageOf, TenancyError } from '../../errors.ts';
import type { TenancyEmitter } from '../../events.ts';
import type { Operation, OperationData, OperationFailure } from './Operation.ts';
import type { InCentral, NewOperation, OperationLedger } from './OperationLedger.ts';
import type { OperationStep, StepContext } from './OperationStep.ts';
import {
  OperationLostError,
  OperationRequestError,
  TenantOperationError,
  TenantOperationUnderwayError,
} from './operationErrors.ts';
import { furthestOf, inCentralOf, indexOf, lastOf } from './stepOrder.ts';

export interface RunnerParts {
  readonly ledger: OperationLedger;
  readonly events: TenancyEmitter;
  /** How often a sign of life is given. */
  readonly heartbeatMs: number;
  /** Aborted when the manager closes. */
  readonly closing: AbortSignal;
}

/** Options of whatever is made of recorded steps. */
export interface OperationOptions {
  /** Aborts before the next step. */
  readonly signal?: AbortSignal | undefined;
  /** What becomes of the steps that are over when one fails: they are taken back, or kept to go on with. @default 'undo' */
  readonly onFailure?: 'undo' | 'keep' | undefined;
}

/** Runs the steps of operations, writes each down, and goes on where a process before has stopped. */
export class OperationRunner {
  readonly #parts: RunnerParts;
  readonly #running = new Set<Promise<unknown>>();

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /**
   * Begins the operation, or goes on with the same one where it stopped. Rejects with `TenantOperationUnderwayError`,
   * `OperationRequestError`, `TenantOperationError` or `OperationLostError`.
   */
  start(wanted: NewOperation, steps: readonly OperationStep[], options: OperationOptions = {}): Promise<Operation> {
    return this.#track(this.#start(wanted, steps, options));
  }

  /** Goes on with an open operation. */
  resume(open: Operation, steps: readonly OperationStep[], options: OperationOptions = {}): Promise<Operation> {
    return this.#track(this.#resume(open, steps, options));
  }

  /** Takes an open operation back. */
  undo(open: Operation, steps: readonly OperationStep[]): Promise<Operation> {
    const undo = async (): Promise<Operation> => {
      const claimed = await this.#claim(open);
      const step = steps[indexOf(steps, claimed.step)];
      const cannot = step?.isFinal === true;
      if (cannot) {
        await this.#parts.ledger.advance(claimed, { state: 'failed' });
        const why = 'from here on it can only be gone on with, by `manager.resumeOperation(id)`';
        throw new TenantOperationError({ ...claimed, state: 'failed', error: failureOf(step.name, why) }, why, {});
      }
      return this.#whileAlive(claimed, () => this.#takeBack(claimed, steps));
    };
    return this.#track(undo());
  }

  /** Waits for what is under way. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.#running]);
  }

  async #start(wanted: NewOperation, steps: readonly OperationStep[], options: OperationOptions): Promise<Operation> {
    const { ledger, closing } = this.#parts;
    const { signal = closing } = options;
    signal.throwIfAborted();
    const request = JSON.parse(JSON.stringify(wanted.request)) as OperationData;
    const [first, second] = steps as [OperationStep, OperationStep?];
    const inCentral: InCentral = async (em) => {
      const context = this.#contextOf({ ...NOT_BEGUN, ...wanted }, signal);
      return (await first.inCentral?.(em, context)) ?? undefined;
    };
    const begun = await ledger.begin({ ...wanted, request }, { step: first.name, next: second?.name, inCentral });
    if (begun !== undefined) {
      return this.#go(begun, steps, options);
    }
    const open = await ledger.open(wanted.tenantId);
    if (open === undefined) {
      // It ended between two statements.
      return this.#start(wanted, steps, options);
    }
    if (open.kind !== wanted.kind) {
      throw new TenantOperationUnderwayError(open, wanted.kind);
    }
    const claimed = await this.#claim(open);
    if (!isDeepStrictEqual(open.request, request)) {
      await ledger.advance(claimed, { state: 'failed' });
      throw new OperationRequestError(open);
    }
    const over = await this.#goOn(claimed, steps, options);
    return over.state === 'undone' ? this.#start(wanted, steps, options) : over;
  }

  async #resume(open: Operation, steps: readonly OperationStep[], options: OperationOptions): Promise<Operation> {
    return this.#goOn(await this.#claim(open), steps, options);
  }

  async #claim(open: Operation): Promise<Operation> {
    const claimed = await this.#parts.ledger.claim(open);
    if (claimed === undefined) {
      throw new TenantOperationUnderwayError(open, open.kind);
    }
    return claimed;
  }

  #goOn(claimed: Operation, steps: readonly OperationStep[], options: OperationOptions): Promise<Operation> {
    return claimed.isUndoing
      ? this.#whileAlive(claimed, () => this.#takeBack(claimed, steps))
      : this.#go(claimed, steps, options);
  }

  #go(operation: Operation, steps: readonly OperationStep[], options: OperationOptions): Promise<Operation> {
    const { events } = this.#parts;
    const { kind, tenantId, id: operationId } = operation;
    events.emit('operation:started', { operationId, kind, tenantId, attempt: operation.attempt });
    return this.#whileAlive(operation, () => this.#walk(operation, steps, options));
  }

  async #walk(
    begun: Operation,
    steps: readonly OperationStep[],
    { signal, onFailure = 'undo' }: OperationOptions,
  ): Promise<Operation> {
    const { closing } = this.#parts;
    const either = signal === undefined ? closing : AbortSignal.any([signal, closing]);
    let operation = begun;
    try {
      if (begun.attempt > 1) {
        operation = await this.#rewind(operation, steps, either);
      }
      while (operation.state === 'running') {
        operation = await this.#step(operation, steps, either);
      }
      return operation;
    } catch (error) {
      if (error instanceof OperationLostError) {
        throw error;
      }
      const current = (error as Stopped).operation ?? operation;
      throw await this.#failed(current, steps, (error as Stopped).reason ?? error, onFailure);
    }
  }

  async #step(operation: Operation, steps: readonly OperationStep[], signal: AbortSignal): Promise<Operation> {
    const { ledger, events } = this.#parts;
    const index = indexOf(steps, operation.step);
    const step = steps[index] as OperationStep;
    const startedAt = performance.now();
    try {
      signal.throwIfAborted();
      const context = this.#contextOf(operation, signal);
      const following = steps[index + 1];
      if (following !== undefined && (await step.skip?.(context)) === true) {
        return { ...operation, step: following.name };
      }
      const data = (await step.run?.(context)) ?? undefined;
      const tookMs = Math.round(performance.now() - startedAt);
      const after = { ...context, data: { ...context.data, ...data } };
      const last = await lastOf(steps, index + 1, after);
      const together = last === undefined ? [step] : [step, last];
      const next = last === undefined ? following?.name : undefined;
      const over = await ledger.advance(operation, {
        done: together.map(({ name }) => ({ step: name, tookMs: name === step.name ? tookMs : 0 })),
        step: next,
        data,
        ...(next === undefined ? { state: 'done' } : {}),
        inCentral: inCentralOf(together, after),
      });
      const { kind, tenantId, id: operationId } = operation;
      for (const one of over.done.slice(-together.length)) {
        events.emit('operation:step-done', { operationId, kind, tenantId, ...one });
      }
      if (next === undefined) {
        events.emit('operation:ended', { operationId, kind, tenantId, state: 'done', error: undefined });
      }
      return over;
    } catch (error) {
      throw error instanceof OperationLostError ? error : new Stopped(operation, error);
    }
  }

  /** A step that was under way when its process ended may have to begin where nothing of it is there yet. */
  async #rewind(operation: Operation, steps: readonly OperationStep[], signal: AbortSignal): Promise<Operation> {
    const [first, last] = [indexOf(steps, operation.step), furthestOf(steps, operation.step)];
    const repeatFrom = steps.slice(first, last + 1).find((step) => step.repeatFrom !== undefined)?.repeatFrom;
    if (repeatFrom === undefined) {
      return operation;
    }
    const from = indexOf(steps, repeatFrom);
    for (const step of steps.slice(from, last + 1).reverse()) {
      await step.undo?.(this.#contextOf(operation, signal));
    }
    return this.#parts.ledger.advance(operation, { keepDone: from, step: repeatFrom });
  }

  async #failed(
    operation: Operation,
    steps: readonly OperationStep[],
    reason: unknown,
    onFailure: 'undo' | 'keep',
  ): Promise<Error> {
    const { ledger, events } = this.#parts;
    const { kind, tenantId, id: operationId } = operation;
    const step = steps[indexOf(steps, operation.step)] as OperationStep;
    const error = failureOf(step.name, reason);
    const keeps = onFailure === 'keep' || step.isFinal === true;
    const stand = (open: Operation): Promise<Operation> => ledger.advance(open, { state: 'failed', error });
    const over = keeps
      ? await stand(operation)
      : await this.#takeBack(operation, steps, error).catch(async (undoError: unknown) => {
          if (undoError instanceof OperationLostError) {
            throw undoError;
          }
          const { operation: left = operation } = undoError as Partial<Stopped>;
          return stand(left);
        });
    events.emit('operation:ended', { operationId, kind, tenantId, state: over.state as 'failed' | 'undone', error });
    return new TenantOperationError(over, messageOf(reason), { cause: reason });
  }

  /** Takes back the step that was begun and those that are over, the last one first. */
  async #takeBack(from: Operation, steps: readonly OperationStep[], error?: OperationFailure): Promise<Operation> {
    const { ledger } = this.#parts;
    let operation = from;
    if (!operation.isUndoing) {
      operation = await ledger.advance(operation, { isUndoing: true, ...(error === undefined ? {} : { error }) });
    }
    for (let index = furthestOf(steps, operation.step); index >= 0; index -= 1) {
      const step = steps[index] as OperationStep;
      // Nobody's signal: what is half done is in the way of whoever comes next.
      const context = this.#contextOf(operation, NEVER);
      try {
        await step.undo?.(context);
        const { undoInCentral } = step;
        operation = await ledger.advance(operation, {
          keepDone: index,
          step: steps[index - 1]?.name,
          ...(index === 0 ? { state: 'undone' } : {}),
          inCentral: undoInCentral && (async (em) => (await undoInCentral(em, context)) as undefined),
        });
      } catch (reason) {
        throw reason instanceof OperationLostError ? reason : new Stopped(operation, reason);
      }
    }
    return operation;
  }

  #contextOf(operation: Operation, signal: AbortSignal): StepContext {
    const { kind, tenantId, data, id: operationId, step = '' } = operation;
    return {
      ...{ operation, tenantId, data, signal },
      progress: (progress) =>
        this.#parts.events.emit('operation:progress', { operationId, kind, tenantId, step, ...progress }),
    };
  }

  async #whileAlive<R>(operation: Operation, work: () => Promise<R>): Promise<R> {
    const { ledger, heartbeatMs } = this.#parts;
    // A sign that does not arrive is no harm before the lease is over; then the ledger says so.
    const timer = setInterval(() => void ledger.renew(operation).catch(() => {}), heartbeatMs);
    try {
      return await work();
    } finally {
      clearInterval(timer);
    }
  }

  #track<R>(work: Promise<R>): Promise<R> {
    this.#running.add(work);
    const forget = (): boolean => this.#running.delete(work);
    work.then(forget, forget);
    return work;
  }
}

/** What stopped an operation, and how far it was then. */
class Stopped extends Error {
  readonly operation: Operation;
  readonly reason: unknown;

  constructor(operation: Operation, reason: unknown) {
    super(messageOf(reason), { cause: reason });
    this.operation = operation;
    this.reason = reason;
  }
}

const NEVER = new AbortController().signal;

const NOT_BEGUN: Omit<Operation, keyof NewOperation> = {
  ...{ id: undefined, state: 'running', isUndoing: false, step: undefined, done: [], error: undefined, attempt: 1 },
  ...{ worker: undefined, leaseUntil: undefined, startedAt: '', finishedAt: undefined },
};

function failureOf(step: string, reason: unknown): OperationFailure {
  return { step, code: reason instanceof TenancyError ? reason.code : undefined, message: messageOf(reason) };
}
