import type pg from 'pg';

/** How long the server may take to answer on a connection that was idle for long. */
const TIMEOUT_MS = 1_000;

/** Whether the server still answers on a connection. Never rejects, never hangs. */
export async function answers(client: pg.Client): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, TIMEOUT_MS, false);
  timer.unref();
  try {
    return await Promise.race([client.query('select 1').then(() => true), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
