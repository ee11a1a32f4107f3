import type { PGlite } from '@electric-sql/pglite';
import type { DatabaseOf } from '../databases/DatabaseServer.ts';
import type { ConnectionListener } from '../databases/LeasedConnection.ts';
import { OneUserServer, type OneUserServerParts } from '../files/OneUserServer.ts';
import { PgliteConnection } from './PgliteConnection.ts';

export interface PgliteServerParts extends OneUserServerParts {
  /** Opens the PGlite of a database that is there, and says what frees it once that is closed. */
  readonly open: (of: DatabaseOf) => Promise<{ readonly pglite: PGlite; readonly closed: () => Promise<void> }>;
}

/** The PGlites of one manager. */
export class PgliteServer extends OneUserServer<PgliteConnection> {
  readonly #open: PgliteServerParts['open'];

  constructor({ open, ...parts }: PgliteServerParts) {
    super(parts);
    this.#open = open;
  }

  protected override async open(
    of: DatabaseOf,
    listener: ConnectionListener<PgliteConnection>,
  ): Promise<PgliteConnection> {
    const { tenantId, isReadOnly } = of;
    return new PgliteConnection({ tenantId, isReadOnly, listener, ...(await this.#open(of)) });
  }
}
