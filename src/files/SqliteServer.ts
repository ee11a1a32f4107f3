import type { AccountOf } from '../connections/PostgresServer.ts';
import { untilLocked } from '../connections/untilLocked.ts';
import type { DatabaseOf } from '../databases/DatabaseServer.ts';
import type { ConnectionListener } from '../databases/LeasedConnection.ts';
import type { TenancyEmitter } from '../events.ts';
import type { CheckedFilesOptions } from './FilesOptions.ts';
import { FolderServer } from './FolderServer.ts';
import { LOCK_ENDING } from './fileName.ts';
import { findDatabase } from './findDatabase.ts';
import type { OpenFiles } from './OpenFiles.ts';
import { SqliteConnection } from './SqliteConnection.ts';
import { closeHandle, isLocked, type OpenSqlite, type SqliteHandle } from './SqliteHandle.ts';

export interface SqliteServerParts {
  /** As messages call it. */
  readonly kind: string;
  readonly options: CheckedFilesOptions;
  /** How the names of the files end, dot included. */
  readonly ending: string;
  readonly openSqlite: OpenSqlite;
  readonly files: OpenFiles;
  readonly events: TenancyEmitter;
}

const FIRST_PAUSE_MS = 5;
const MAX_PAUSE_MS = 200;
/** A migration that is over makes room for the next one soon. */
const RESERVED_IDLE_MS = 1_000;
/** A statement outside of a migration's transaction gets a second connection. */
const CONNECTIONS_OF_MIGRATION = 2;

/** The files of one folder, at work for one manager. */
export class SqliteServer extends FolderServer<SqliteConnection> {
  readonly #parts: SqliteServerParts;

  constructor(parts: SqliteServerParts) {
    const { maxMigrations, folder: _, lockTimeoutMs: __, ...limits } = parts.options;
    // Opening a file is no work for somebody else, and a file that was open for long is as good as another.
    const ever = { maxOpeningConnections: limits.maxConnections, maxLifetimeMs: Infinity, checkAfterIdleMs: Infinity };
    const requests = { ...limits, ...ever };
    super({
      ...parts,
      maxMigrations,
      requests,
      reserved: {
        ...requests,
        maxConnections: maxMigrations * CONNECTIONS_OF_MIGRATION,
        maxConnectionsPerTenant: CONNECTIONS_OF_MIGRATION,
        idleTimeoutMs: RESERVED_IDLE_MS,
      },
    });
    this.#parts = parts;
  }

  /**
   * Locks a file beside the tenant's, which is made for that and stays; the operating system frees the lock of a process
   * that was killed.
   */
  override async lockMigrations(
    { tenantId, database }: AccountOf,
    timeoutMs: number,
    assertOpen: () => void,
  ): Promise<() => void> {
    const path = (await this.#find({ tenantId, database })) + LOCK_ENDING;
    const handle = this.#parts.openSqlite(path, { isReadOnly: false, mustExist: false });
    try {
      const pauses = { firstPauseMs: FIRST_PAUSE_MS, maxPauseMs: MAX_PAUSE_MS };
      await untilLocked(() => isTaken(handle), { tenantId, timeoutMs, assertOpen, ...pauses });
    } catch (error) {
      closeHandle(handle);
      throw error;
    }
    return () => closeHandle(handle);
  }

  #find(of: AccountOf): Promise<string> {
    const { options, ending } = this.#parts;
    return findDatabase({ ...of, ending, folder: options.folder });
  }

  protected override async open(
    of: DatabaseOf,
    listener: ConnectionListener<SqliteConnection>,
    signal: AbortSignal,
  ): Promise<SqliteConnection> {
    const { files, options } = this.#parts;
    const { tenantId, isReadOnly } = of;
    const path = await this.#find(of);
    signal.throwIfAborted();
    const handle = this.#openFile(path, isReadOnly);
    return new SqliteConnection({
      ...{ tenantId, handle, isReadOnly, turns: files.opened(path), lockTimeoutMs: options.lockTimeoutMs },
      listener: {
        ...listener,
        closed: (cause) => {
          files.closed(path);
          listener.closed(cause);
        },
      },
    });
  }

  #openFile(path: string, isReadOnly: boolean): SqliteHandle {
    const handle = this.#parts.openSqlite(path, { isReadOnly, mustExist: true });
    try {
      prepareSession(handle, isReadOnly);
      return handle;
    } catch (error) {
      closeHandle(handle);
      throw error;
    }
  }
}

/** What every connection begins with. Throws where the file is no database. */
export function prepareSession(handle: SqliteHandle, isReadOnly: boolean): void {
  handle.prepare('pragma foreign_keys = on').run([]);
  if (isReadOnly) {
    handle.prepare('pragma query_only = on').run([]);
    handle.prepare('pragma schema_version').all([]);
    return;
  }
  try {
    // Readers do not wait for the writer then. It is written in the file, which most have already.
    handle.prepare('pragma journal_mode = wal').all([]);
  } catch (error) {
    if (!isLocked(error)) {
      throw error;
    }
  }
}

function isTaken(handle: SqliteHandle): boolean {
  try {
    handle.prepare('begin exclusive').run([]);
    return true;
  } catch (error) {
    if (isLocked(error)) {
      return false;
    }
    throw error;
  }
}
