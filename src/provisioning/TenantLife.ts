import type { Readable, Writable } from 'node:stream';
import type { NewTenant } from '../catalog/TenantStore.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import type { Operation } from './operations/Operation.ts';
import type { OperationFilter } from './operations/OperationLedger.ts';
import type { OperationOptions } from './operations/OperationRunner.ts';
import type {
  ArchiveOptions,
  ExportOptions,
  ImportOptions,
  MoveOptions,
  ProvisionOptions,
  PruneReport,
  TenantProvisioner,
} from './TenantProvisioner.ts';

/** A tenant's life, as a manager has it. Whatever was cut off goes on by the same call. */
export abstract class TenantLife<T extends Tenant = Tenant> {
  /** @internal */
  protected abstract readonly life: TenantProvisioner<T>;

  /**
   * Makes a tenant: its row, its database from the template or a spare, its role, its seed. The same call again goes on
   * where one was cut off. Rejects with `TenantConflictError`, `TenantOperationUnderwayError` or `TenantOperationError`;
   * nothing is left then, unless `onFailure` keeps it.
   */
  provision(tenant: NewTenant<T>, options?: ProvisionOptions): Promise<T> {
    return this.life.provision(tenant, options);
  }

  /**
   * Makes a tenant whose data is a copy of another one's, which goes on working. `onCloned` may change the copy before it
   * is active.
   */
  clone(id: string, tenant: NewTenant<T>, options?: ProvisionOptions): Promise<T> {
    return this.life.clone(id, tenant, options);
  }

  /**
   * Writes the tenant's data to a stream, and ends it: the state of one moment, while the tenant goes on. As JSON it is
   * made for people and for `import`; SQL NULL and a JSON null are the same there.
   */
  export(id: string, to: Writable, options?: ExportOptions): Promise<void> {
    return this.life.export(id, to, options);
  }

  /** Makes a tenant from what `export` has written, by the migrations that it had. `open` gives the file from its beginning. */
  import(tenant: NewTenant<T>, open: () => Readable | Promise<Readable>, options?: ImportOptions): Promise<T> {
    return this.life.import(tenant, open, options);
  }

  /** Nobody works with the tenant any more, in any process, within `central.cache.pollIntervalMs` and a second. */
  suspend(id: string): Promise<T> {
    return this.life.suspend(id);
  }

  /** The tenant works again, after `suspend`, `readonly` or `maintenance`. */
  resume(id: string): Promise<T> {
    return this.life.resume(id);
  }

  /** The tenant's sessions can read and not write. */
  readonly(id: string): Promise<T> {
    return this.life.readonly(id);
  }

  /** Requests are answered with 503 and Retry-After. */
  maintenance(id: string): Promise<T> {
    return this.life.maintenance(id);
  }

  /** Closes the tenant's database to everybody and keeps it, until `restore`, or until `prune` drops it. */
  archive(id: string, options?: ArchiveOptions): Promise<T> {
    return this.life.archive(id, options);
  }

  /** Opens an archived tenant, migrates it, and makes it what it was. */
  restore(id: string, options?: OperationOptions): Promise<T> {
    return this.life.restore(id, options);
  }

  /**
   * Drops the tenant, its database and its role, once every process has let go of it. There is no way back from where its
   * database is dropped: what stops then is gone on with by the same call.
   */
  drop(id: string, options?: OperationOptions): Promise<void> {
    return this.life.drop(id, options);
  }

  /** Gives the tenant another id. Its database, role and domains stay as they are. */
  rename(id: string, newId: string, options?: OperationOptions): Promise<T> {
    return this.life.rename(id, newId, options);
  }

  /**
   * Brings the tenant to another server: no process works with it, its database is copied and compared, and the catalogue
   * leads there. The source stays for `keepMovedMs`, where nobody reaches it.
   */
  move(id: string, options: MoveOptions): Promise<T> {
    return this.life.move(id, options);
  }

  /**
   * Gives the tenant's role another password, without a request that fails; or a role, where the tenant has none yet.
   */
  rotatePassword(id: string): Promise<void> {
    return this.life.rotatePassword(id);
  }

  /** Drops what is kept and whose time is over: sources of moves, archived tenants, templates that nobody uses. */
  prune(): Promise<PruneReport> {
    return this.life.prune();
  }

  /** Makes the spares that are missing, now. Does nothing where `provisioning.spares` is not given. */
  fillSpares(): Promise<Readonly<Record<string, number>>> {
    return this.life.fillSpares();
  }

  /** What was and is done to tenants, the youngest first. */
  operations(filter?: OperationFilter): Promise<Operation[]> {
    return this.life.operations.list(filter);
  }

  /** Goes on with the tenant's open operation, whatever it is. */
  resumeOperation(id: string, options?: OperationOptions): Promise<Operation> {
    return this.life.operations.resume(id, options);
  }

  /** Takes the tenant's open operation back. */
  undoOperation(id: string): Promise<Operation> {
    return this.life.operations.undo(id);
  }

  /** Goes on with every operation whose process is gone. Those that failed stay for somebody to decide on. */
  recoverOperations(): Promise<Operation[]> {
    return this.life.operations.recover();
  }
}
