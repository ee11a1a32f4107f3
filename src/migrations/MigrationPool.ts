import type { LentConnection, TenantPool } from '../connections/TenantPool.ts';
import type { OrmPool } from '../orm/OrmTemplate.ts';

type Lent = Awaited<ReturnType<OrmPool['connect']>>;

/**
 * The connections of one migration: the session that holds the lock is lent first, so that a migration needs one
 * connection; a statement outside of its transaction gets a second one.
 */
export class MigrationPool implements OrmPool {
  readonly options = Object.freeze({});
  readonly #pool: TenantPool;
  readonly #lent: Lent;
  #isLent = false;

  constructor(pool: TenantPool, session: LentConnection) {
    this.#pool = pool;
    this.#lent = {
      query: session.query.bind(session) as Lent['query'],
      processID: session.processID,
      release: () => {
        this.#isLent = false;
      },
    };
  }

  async connect(): Promise<Lent> {
    this.assertOpen();
    if (this.#isLent) {
      return (await this.#pool.connect()) as unknown as Lent;
    }
    this.#isLent = true;
    return this.#lent;
  }

  assertOpen(): void {
    this.#pool.assertOpen();
  }

  /** The session ends with the migration, not with the ORM. */
  async end(): Promise<void> {}
}
