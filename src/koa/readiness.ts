import type { TenantOrmManagerStats } from '../TenantOrmManager.ts';

/** What readiness needs of a `TenantOrmManager`. */
export interface HealthManager {
  readonly isClosed: boolean;
  readonly hasCentral: boolean;
  /** Not asked for unless `hasCentral`. */
  readonly central: { assertUsable(): Promise<void> };
  stats(): TenantOrmManagerStats;
}

/**
 * Why no request can be served: the manager closes; the central database cannot be read, and what is known of it is too
 * old; or no server takes connections.
 */
export type NotReady = 'closed' | 'central' | 'servers';

/** Everything that keeps the manager from serving requests; nothing when it is ready. Takes `timeoutMs` at most. */
export async function readiness(manager: HealthManager, timeoutMs: number): Promise<NotReady[]> {
  if (manager.isClosed) {
    return ['closed'];
  }
  const isUsable = !manager.hasCentral || (await resolvesWithin(timeoutMs, manager.central.assertUsable()));
  // The primary is what requests need; nobody may have tried the other addresses.
  const isReachable = Object.values(manager.stats().servers).some(({ breakers }) => breakers.primary !== 'open');
  return [...(isUsable ? [] : (['central'] as const)), ...(isReachable ? [] : (['servers'] as const))];
}

async function resolvesWithin(timeoutMs: number, promise: Promise<void>): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), timeoutMs);
  timer.unref();
  try {
    return await Promise.race([
      late.promise,
      promise.then(
        () => true,
        () => false,
      ),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
