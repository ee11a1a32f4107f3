import { AsyncLocalStorage } from 'node:async_hooks';
import type { MikroORM } from '@mikro-orm/postgresql';
import { systemClock } from '../../connections/Clock.ts';
import type { LentConnection } from '../../connections/TenantPool.ts';
import { ManagerClosedError } from '../../errors.ts';
import type { TenancyEmitter } from '../../events.ts';
import { executedMigrations, migrationsTable } from '../executedMigrations.ts';
import { TenantGate } from './TenantGate.ts';
import { type CheckedVersionGate, requiredMigrations } from './VersionGateOptions.ts';

/** An open tenant. */
export interface GatedTenant {
  readonly tenant: { readonly id: string };
  readonly isOpen: boolean;
  /** Lends one of the connections of the tenant's requests. */
  connect(): Promise<LentConnection>;
}

interface VersionGateParts {
  readonly options: CheckedVersionGate;
  /** The names of the migrations that a tenant must have, in their order. */
  readonly required: readonly string[];
  /** MikroORM's list of migrations, quoted. */
  readonly table: string;
  readonly events: TenancyEmitter;
}

/** Migrates a tenant up to a migration. */
export type MigrateTenant = (to: string) => Promise<unknown>;

/**
 * Keeps work from tenants whose schema is older than the application. Each open tenant is looked at once, by one select
 * on a connection of its requests, and again when it is migrated by this process, or opened anew.
 */
export class VersionGate {
  readonly #parts: VersionGateParts;
  readonly #gates = new Map<string, { readonly handle: GatedTenant; readonly gate: TenantGate }>();
  readonly #closing = new AbortController();
  readonly #outside = AsyncLocalStorage.snapshot();

  /** Throws `TenancyConfigurationError` where the application does not know what is required. `orm` need not be connected. */
  static async build(options: CheckedVersionGate, orm: MikroORM, events: TenancyEmitter): Promise<VersionGate> {
    const required = await requiredMigrations(orm, options);
    return new VersionGate({ options, required, table: migrationsTable(orm), events });
  }

  private constructor(parts: VersionGateParts) {
    this.#parts = parts;
    const { events } = parts;
    events.on('tenant:evicted', ({ tenantId }) => {
      if (this.#gates.get(tenantId)?.handle.isOpen === false) {
        this.#gates.delete(tenantId);
      }
    });
    const forget = ({ tenantId }: { readonly tenantId: string }): void => void this.#gates.delete(tenantId);
    events.on('migration:applied', forget);
    events.on('migration:reverted', forget);
  }

  /** Whether the tenant is known to have what the application needs. */
  isPassed(handle: GatedTenant): boolean {
    const known = this.#gates.get(handle.tenant.id);
    return known?.handle === handle && known.gate.isPassed;
  }

  /** Resolves when work of the tenant may begin. Rejects as {@link TenantGate.pass} does. */
  async pass(handle: GatedTenant, migrate: MigrateTenant): Promise<void> {
    const { id } = handle.tenant;
    let known = this.#gates.get(id);
    if (known?.handle !== handle) {
      known = { handle, gate: this.#gateOf(handle, migrate) };
      this.#gates.set(id, known);
    }
    await known.gate.pass();
  }

  /** Turns away whoever waits. */
  close(): void {
    this.#closing.abort(new ManagerClosedError());
    this.#gates.clear();
  }

  #gateOf(handle: GatedTenant, migrate: MigrateTenant): TenantGate {
    const { options, required, events, table } = this.#parts;
    return new TenantGate({
      ...{ tenantId: handle.tenant.id, options, required, events, clock: systemClock },
      executed: async () => {
        const connection = await handle.connect();
        try {
          return (await executedMigrations(connection, table)).map(({ name }) => name);
        } finally {
          connection.release();
        }
      },
      migrate: async () => {
        await migrate(required.at(-1) ?? '');
      },
      closing: this.#closing.signal,
      outside: (fn) => this.#outside(fn),
    });
  }
}
