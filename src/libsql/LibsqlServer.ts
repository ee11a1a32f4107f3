import type { DatabaseOf } from '../databases/DatabaseServer.ts';
import type { ConnectionListener } from '../databases/LeasedConnection.ts';
import { findDatabase } from '../files/findDatabase.ts';
import { OneUserServer, type OneUserServerParts } from '../files/OneUserServer.ts';
import { SqliteConnection } from '../files/SqliteConnection.ts';
import type { SqliteHandle } from '../files/SqliteHandle.ts';
import { WriteTurns } from '../files/WriteTurns.ts';
import { assertKeepsLock } from './assertKeepsLock.ts';
import { assertNoFileFunctions } from './assertNoFileFunctions.ts';
import { assertOneStatement } from './assertOneStatement.ts';

export interface LibsqlServerParts extends OneUserServerParts {
  /** How the names of the files end, dot included. */
  readonly ending: string;
  /** Opens a file that is there, for one user. */
  readonly openFile: (path: string, of: DatabaseOf) => SqliteHandle;
}

/** The files of libSQL of one manager. */
export class LibsqlServer extends OneUserServer<SqliteConnection> {
  readonly #parts: LibsqlServerParts;

  constructor(parts: LibsqlServerParts) {
    super(parts);
    this.#parts = parts;
  }

  protected override async open(
    of: DatabaseOf,
    listener: ConnectionListener<SqliteConnection>,
    signal: AbortSignal,
  ): Promise<SqliteConnection> {
    const { ending, options, openFile } = this.#parts;
    const { tenantId, database, isReadOnly } = of;
    const path = await findDatabase({ tenantId, database, ending, folder: options.folder });
    signal.throwIfAborted();
    return new SqliteConnection({
      tenantId,
      isReadOnly,
      listener,
      handle: openFile(path, of),
      // Nobody else writes.
      turns: new WriteTurns(),
      lockTimeoutMs: 0,
      assertStatement: (text) => {
        assertOneStatement(tenantId, text);
        assertKeepsLock(tenantId, text);
        assertNoFileFunctions(tenantId, text);
      },
    });
  }
}
