import type { OperationData } from './Operation.ts';
import type { InCentral } from './OperationLedger.ts';
import type { OperationStep, StepContext } from './OperationStep.ts';

/** An operation that another release began may have steps that this one does not know. */
export function indexOf(steps: readonly OperationStep[], name: string | undefined): number {
  const index = steps.findIndex((step) => step.name === name);
  if (index < 0) {
    throw new Error(`There is no step "${name}" in this release. Use the one that began the operation.`);
  }
  return index;
}

/** The last step, where nothing but it is left to do, and it changes nothing but the central database. */
export async function lastOf(
  steps: readonly OperationStep[],
  from: number,
  context: StepContext,
): Promise<OperationStep | undefined> {
  const last = steps.at(-1);
  for (const step of steps.slice(from)) {
    if (step === last) {
      return step.run === undefined ? step : undefined;
    }
    if ((await step.skip?.(context)) !== true) {
      return undefined;
    }
  }
  return undefined;
}

export function inCentralOf(steps: readonly OperationStep[], context: StepContext): InCentral | undefined {
  const works = steps.flatMap(({ inCentral }) => (inCentral === undefined ? [] : [inCentral]));
  if (works.length === 0) {
    return undefined;
  }
  return async (em) => {
    let patch: OperationData = {};
    for (const work of works) {
      patch = { ...patch, ...(await work(em, context)) };
    }
    return patch;
  };
}

/** The last step that may have been begun: those that were passed over are not written down. */
export function furthestOf(steps: readonly OperationStep[], name: string | undefined): number {
  let index = indexOf(steps, name);
  while (steps[index]?.skip !== undefined && index < steps.length - 1) {
    index += 1;
  }
  return index;
}
