import type { AccountOf } from '../connections/PostgresServer.ts';
import type { TenantSession } from '../connections/SessionSettings.ts';
import {
  type EndablePool,
  type LendingAccount,
  type Lent,
  type LentConnection,
  TenantPool,
} from '../connections/TenantPool.ts';

export interface DirectSessionOf<L extends Lent> extends AccountOf {
  readonly server: {
    reserved(of: AccountOf & { readonly session?: TenantSession | undefined }): LendingAccount<L>;
  };
  /** @default those of the server */
  readonly session?: TenantSession | undefined;
  /** Told of the session's pool, so that closing the manager can end it. */
  readonly track: (pool: EndablePool) => () => void;
}

/** How long a statement may go on once the work is over or the manager closes. */
const GRACE_MS = 0;

/** Runs `work` on a session of its own from the server's reserve, around every pooler. Leaves no connection. */
export async function directSession<R, L extends Lent = LentConnection>(
  { server, tenantId, database, session: settings, track }: DirectSessionOf<L>,
  work: (session: L, pool: TenantPool<L>) => Promise<R>,
): Promise<R> {
  const pool = new TenantPool<L>(server.reserved({ tenantId, database, session: settings }), {
    graceMs: () => GRACE_MS,
  });
  const untrack = track(pool);
  try {
    const session = await pool.connect();
    try {
      return await work(session, pool);
    } finally {
      session.release();
    }
  } finally {
    untrack();
    await pool.close('the work on the direct session is over', GRACE_MS);
  }
}
