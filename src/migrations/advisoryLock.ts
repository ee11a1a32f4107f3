import { untilLocked } from '../connections/untilLocked.ts';

/** Two 32-bit halves of our own: "motm" (mikro-orm tenant migrations) and a version. Locks are local to a database. */
const LOCK_CLASS = 0x6d6f_746d;
const LOCK_ID = 1;

const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 500;

/** What a lock needs of the session that holds it. */
export interface LockSession {
  query(text: string, parameters: readonly unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

/**
 * Takes the migration lock of the session's database; PostgreSQL frees it when the session ends. Asks again and again
 * instead of waiting inside one statement: a waiting statement holds a snapshot, for which `CREATE INDEX CONCURRENTLY`
 * of the lock's holder would wait for ever. Rejects with `MigrationLockTimeoutError`.
 */
export async function lockMigrations(session: LockSession, tenantId: string, timeoutMs: number): Promise<void> {
  const take = async (): Promise<boolean> => {
    const { rows } = await session.query('select pg_try_advisory_lock($1, $2) as locked', [LOCK_CLASS, LOCK_ID]);
    return (rows[0] as { readonly locked: boolean }).locked;
  };
  await untilLocked(take, { tenantId, timeoutMs, firstPauseMs: FIRST_PAUSE_MS, maxPauseMs: MAX_PAUSE_MS });
}
