import type { LeasableConnection, Lent } from '../connections/TenantPool.ts';
import { DatabaseServer, type DatabaseServerParts } from '../databases/DatabaseServer.ts';
import { assertFileName } from './fileName.ts';

export interface FolderServerParts extends Omit<DatabaseServerParts, 'where'> {
  /** As messages call it. */
  readonly kind: string;
}

/** Tenants' databases in one folder, at work for one manager. */
export abstract class FolderServer<C extends LeasableConnection<Lent>> extends DatabaseServer<C> {
  protected constructor({ kind, ...parts }: FolderServerParts) {
    super({ ...parts, where: `databases of ${kind} are in one folder` });
  }

  protected override assertName(database: string, tenantId: string): void {
    assertFileName(database, tenantId);
  }
}
