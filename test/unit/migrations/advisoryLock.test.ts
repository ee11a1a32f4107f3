import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { MigrationLockTimeoutError } from '../../../src/errors.ts';
import { type LockSession, lockMigrations } from '../../../src/migrations/advisoryLock.ts';

/** A session on which the lock is free at the last of these answers, and when it was asked. */
function sessionOf(answers: number) {
  const askedAt: number[] = [];
  const startedAt = performance.now();
  const session: LockSession = {
    query: async () => {
      askedAt.push(performance.now() - startedAt);
      return { rows: [{ locked: askedAt.length === answers }] };
    },
  };
  return { session, askedAt };
}

describe('the lock of migrations', () => {
  beforeEach(() => {
    jest.useFakeTimers();
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
  });
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  it('is asked for less and less often, at last twice a second', async () => {
    const { session, askedAt } = sessionOf(9);
    const locked = lockMigrations(session, 'acme', 60_000);
    await jest.advanceTimersByTimeAsync(10_000);
    await locked;
    expect(askedAt).toEqual([0, 20, 60, 140, 300, 620, 1_120, 1_620, 2_120]);
  });

  it.each([
    [0, [0, 10, 30, 70]],
    [1, [0, 30, 90, 210]],
  ])('is asked for half a pause earlier or later by chance: with %d, at %j', async (chance, times) => {
    jest.spyOn(Math, 'random').mockReturnValue(chance);
    const { session, askedAt } = sessionOf(4);
    const locked = lockMigrations(session, 'acme', 60_000);
    await jest.advanceTimersByTimeAsync(10_000);
    await locked;
    expect(askedAt).toEqual(times);
  });

  it('is given up where the next time to ask would be too late, and not before', async () => {
    for (const [timeoutMs, asked] of [
      [139, [0, 20, 60]],
      [140, [0, 20, 60, 140]],
    ] as const) {
      const { session, askedAt } = sessionOf(Number.POSITIVE_INFINITY);
      const refused = expect(lockMigrations(session, 'acme', timeoutMs)).rejects.toThrow(MigrationLockTimeoutError);
      await jest.advanceTimersByTimeAsync(10_000);
      await refused;
      expect(askedAt).toEqual(asked);
    }
  });
});
