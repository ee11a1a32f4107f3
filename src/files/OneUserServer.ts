import type { LeasableConnection, Lent } from '../connections/TenantPool.ts';
import type { TenancyEmitter } from '../events.ts';
import { FolderServer } from './FolderServer.ts';
import type { CheckedOneUserOptions } from './OneUserOptions.ts';

export interface OneUserServerParts {
  /** As messages call it. */
  readonly kind: string;
  readonly events: TenancyEmitter;
  readonly options: CheckedOneUserOptions;
}

/**
 * Databases of which each has one user at a time, for one manager. A tenant's is opened, used and closed before it is opened
 * again: its migrations have it for themselves meanwhile, which is why they need no other lock.
 */
export abstract class OneUserServer<C extends LeasableConnection<Lent>> extends FolderServer<C> {
  protected constructor({ kind, events, options }: OneUserServerParts) {
    const { maxOpen, folder: _, ...limits } = options;
    super({
      kind,
      events,
      maxMigrations: Math.max(1, maxOpen - 1),
      requests: {
        ...limits,
        maxConnections: maxOpen,
        maxConnectionsPerTenant: 1,
        maxOpeningConnections: maxOpen,
        maxLifetimeMs: Infinity,
        checkAfterIdleMs: Infinity,
      },
    });
  }

  override async lockMigrations(): Promise<() => void> {
    return () => {};
  }
}
