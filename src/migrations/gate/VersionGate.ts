import { AsyncLocalStorage } from 'node:async_hooks';
import { type Clock, systemClock } from '../../connections/Clock.ts';
import type { Lent } from '../../connections/TenantPool.ts';
import { ManagerClosedError } from '../../errors.ts';
import type { TenancyEmitter } from '../../events.ts';
import { executedNames } from '../executedMigrations.ts';
import { TenantGate } from './TenantGate.ts';
import type { CheckedVersionGate } from './VersionGateOptions.ts';

/** An open tenant. */
export interface GatedTenant {
  readonly tenant: { readonly id: string };
  readonly isOpen: boolean;
  /** Lends one of the connections of the tenant's requests. */
  connect(): Promise<Lent>;
}

export interface VersionGateParts {
  readonly options: CheckedVersionGate;
  /** The names of the migrations that a tenant must have, in their order. */
  readonly required: readonly string[];
  /** MikroORM's list of migrations, quoted. */
  readonly table: string;
  readonly events: TenancyEmitter;
  /** Migrates a tenant up to a migration. */
  readonly migrate: (tenantId: string, to: string) => Promise<unknown>;
  readonly clock?: Clock;
}

/**
 * Keeps work from tenants whose schema is older than the application. Each open tenant is looked at once, by one select
 * on a connection of its requests, and again when it is migrated by this process, or opened anew.
 */
export class VersionGate {
  readonly #parts: VersionGateParts;
  readonly #gates = new Map<string, { readonly handle: GatedTenant; readonly gate: TenantGate }>();
  readonly #closing = new AbortController();
  readonly #outside = AsyncLocalStorage.snapshot();

  constructor(parts: VersionGateParts) {
    this.#parts = parts;
    const { events } = parts;
    events.on('tenant:evicted', ({ tenantId }) => {
      if (this.#gates.get(tenantId)?.handle.isOpen === false) {
        this.#gates.delete(tenantId);
      }
    });
  }

  /** Has the tenant looked at again by whoever comes next: something may have been applied or reverted. */
  forget(tenantId: string): void {
    this.#gates.get(tenantId)?.gate.forget();
  }

  /** Whether the tenant is known to have what the application needs. */
  isPassed(handle: GatedTenant): boolean {
    const known = this.#gates.get(handle.tenant.id);
    return known?.handle === handle && known.gate.isPassed;
  }

  /** Resolves when work of the tenant may begin. Rejects as {@link TenantGate.pass} does. */
  async pass(handle: GatedTenant): Promise<void> {
    const { id } = handle.tenant;
    let known = this.#gates.get(id);
    if (known?.handle !== handle) {
      known = { handle, gate: this.#gateOf(handle) };
      this.#gates.set(id, known);
    }
    await known.gate.pass();
  }

  /** Turns away whoever waits. */
  close(): void {
    this.#closing.abort(new ManagerClosedError());
    this.#gates.clear();
  }

  #gateOf(handle: GatedTenant): TenantGate {
    const { options, required, events, migrate, table, clock = systemClock } = this.#parts;
    const { id } = handle.tenant;
    return new TenantGate({
      ...{ tenantId: id, options, required, events, clock },
      executed: async () => {
        const connection = await handle.connect();
        try {
          return await executedNames(connection, table);
        } finally {
          connection.release();
        }
      },
      migrate: async () => {
        await migrate(id, required.at(-1) ?? '');
      },
      closing: this.#closing.signal,
      outside: (fn) => this.#outside(fn),
    });
  }
}
