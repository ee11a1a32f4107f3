import type { Tenant } from '../tenant/Tenant.ts';
import type { TenancyLease, TenancyManager } from './TenancyOptions.ts';

/** Acquires a lease, or gives `undefined` when the request ended before there was one; nothing is leased then. */
export async function acquireUnlessEnded<T extends Tenant>(
  manager: TenancyManager<T>,
  tenantId: string,
  ended: Promise<void>,
): Promise<TenancyLease<T> | undefined> {
  const controller = new AbortController();
  const { signal } = controller;
  let isWaiting = true;
  void ended.then(() => {
    // Aborting makes an error with a stack, which is too dear for every request that ended as it should.
    if (isWaiting) {
      controller.abort();
    }
  });
  // Lets an end that came during resolution be heard before anything is opened.
  await Promise.resolve();
  if (signal.aborted) {
    return undefined;
  }
  try {
    const lease = await manager.acquire(tenantId, { signal });
    if (!signal.aborted) {
      return lease;
    }
    await lease.release();
    return undefined;
  } catch (error) {
    if (signal.aborted && isAbort(error, signal)) {
      return undefined;
    }
    throw error;
  } finally {
    isWaiting = false;
  }
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  return (
    error === signal.reason ||
    (error instanceof Error && (error.name === 'AbortError' || error.cause === signal.reason))
  );
}
