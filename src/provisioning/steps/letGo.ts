import { setTimeout as pause } from 'node:timers/promises';
import type { Tenant } from '../../tenant/Tenant.ts';
import { adminOf, type LifeParts } from '../LifeParts.ts';
import type { OperationStep } from '../operations/OperationStep.ts';

/** How often it is looked who is still connected. */
const LOOK_EVERY_MS = 50;

/**
 * Every process hears of the tenant's new status and closes what it has open. What is still there after
 * `drainTimeoutMs` is cut off.
 */
export function letGoStep<T extends Tenant>(parts: LifeParts<T>): OperationStep {
  return {
    name: 'let-go',
    run: async ({ tenantId, data, signal }) => {
      const admin = adminOf(parts, data['server']);
      const database = data['database'] as string;
      const { drainTimeoutMs } = parts.options;
      const deadline = performance.now() + drainTimeoutMs;
      await parts.evict(tenantId, drainTimeoutMs);
      while (((await admin.info(database))?.sessions ?? 0) > 0 && performance.now() < deadline) {
        await pause(LOOK_EVERY_MS, undefined, { signal });
      }
      await admin.terminate(database);
    },
  };
}
