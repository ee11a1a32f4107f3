import type { Lent, TenantPool } from '../connections/TenantPool.ts';
import type { OrmPool } from '../orm/OrmKind.ts';

/**
 * The connections of one migration: the session that holds the lock is lent first, so that a migration needs one
 * connection; a statement outside of its transaction gets a second one.
 */
export class MigrationPool implements OrmPool {
  readonly options = Object.freeze({});
  readonly #pool: TenantPool<Lent>;
  readonly #lent: Lent;
  #isLent = false;

  constructor(pool: TenantPool<Lent>, session: Lent) {
    this.#pool = pool;
    this.#lent = {
      query: session.query.bind(session),
      processID: session.processID,
      ...(session.stream === undefined ? {} : { stream: session.stream.bind(session) }),
      release: () => {
        this.#isLent = false;
      },
    };
  }

  async connect(): Promise<Lent> {
    this.assertOpen();
    if (this.#isLent) {
      return this.#pool.connect();
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
