import { MigrationLockTimeoutError } from '../errors.ts';

export interface LockWait {
  readonly tenantId: string;
  readonly timeoutMs: number;
  /** How long to wait before it is asked again, which doubles up to `maxPauseMs`. */
  readonly firstPauseMs: number;
  readonly maxPauseMs: number;
  /** Throws once nobody waits for the lock any more. */
  readonly assertOpen?: () => void;
}

/**
 * Asks for a migration lock until `take` has it. Asking again keeps nothing on the server meanwhile, and can be given up.
 * Rejects with `MigrationLockTimeoutError`, or with what `assertOpen` throws.
 */
export async function untilLocked(take: () => boolean | Promise<boolean>, wait: LockWait): Promise<void> {
  const { tenantId, timeoutMs, firstPauseMs, maxPauseMs, assertOpen } = wait;
  const deadline = performance.now() + timeoutMs;
  for (let pauseMs = firstPauseMs; !(await take()); pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
    if (performance.now() + pauseMs > deadline) {
      throw new MigrationLockTimeoutError(tenantId, timeoutMs);
    }
    // With jitter, so that processes that started together do not ask together.
    await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.5 + Math.random())));
    assertOpen?.();
  }
}
