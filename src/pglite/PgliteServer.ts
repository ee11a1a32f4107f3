import type { PGlite } from '@electric-sql/pglite';
import type { DatabaseOf } from '../databases/DatabaseServer.ts';
import type { ConnectionListener } from '../databases/LeasedConnection.ts';
import { FolderServer, type FolderServerParts } from '../files/FolderServer.ts';
import { PgliteConnection } from './PgliteConnection.ts';

export interface PgliteServerParts extends Omit<FolderServerParts, 'reserved'> {
  /** Opens the PGlite of a database that is there, and says what frees it once that is closed. */
  readonly open: (of: DatabaseOf) => Promise<{ readonly pglite: PGlite; readonly closed: () => Promise<void> }>;
}

/**
 * The PGlites of one manager. A tenant has one, which is opened, used and closed before it is opened again: its migrations
 * have it for themselves meanwhile, which is why they need no other lock.
 */
export class PgliteServer extends FolderServer<PgliteConnection> {
  readonly #open: PgliteServerParts['open'];

  constructor({ open, ...parts }: PgliteServerParts) {
    super(parts);
    this.#open = open;
  }

  override async lockMigrations(): Promise<() => void> {
    return () => {};
  }

  protected override async open(
    of: DatabaseOf,
    listener: ConnectionListener<PgliteConnection>,
  ): Promise<PgliteConnection> {
    const { tenantId, isReadOnly } = of;
    return new PgliteConnection({ tenantId, isReadOnly, listener, ...(await this.#open(of)) });
  }
}
