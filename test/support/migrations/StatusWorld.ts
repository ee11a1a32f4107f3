import type { Migration } from '@mikro-orm/migrations';
import type { Tenant } from 'mikro-orm-multitenancy';
import { PostgresServer } from '../../../src/connections/PostgresServer.ts';
import { checkServer, type ServerOptions } from '../../../src/connections/ServerOptions.ts';
import { TenancyConfigurationError, TenantNotFoundError } from '../../../src/errors.ts';
import { TenancyEmitter } from '../../../src/events.ts';
import type {
  FleetStatus,
  TenantStatusReport,
  TenantVersionReport,
} from '../../../src/migrations/status/FleetStatus.ts';
import type { FleetStatusOptions } from '../../../src/migrations/status/FleetStatusOptions.ts';
import { FleetStatusReader, type RecordedChecksums } from '../../../src/migrations/status/FleetStatusReader.ts';
import { OrmTemplate } from '../../../src/orm/OrmTemplate.ts';
import { serverOf } from '../../../src/tenant/Tenant.ts';

export interface StatusWorldOptions {
  readonly tenants: readonly Tenant[];
  readonly migrationsList: readonly (new (...args: never[]) => Migration)[];
  readonly servers: Readonly<Record<string, string | ServerOptions>>;
  readonly recorded?: RecordedChecksums;
}

/** A reader of the status of some tenants, on servers whose connections it counts. */
export class StatusWorld {
  readonly servers: ReadonlyMap<string, PostgresServer>;
  readonly template: OrmTemplate;
  readonly pools = new Set<unknown>();
  isClosed = false;
  /** Hears of each session before it is opened. */
  onSession: () => void = () => {};
  readonly #options: StatusWorldOptions;

  private constructor(options: StatusWorldOptions, template: OrmTemplate) {
    this.#options = options;
    this.template = template;
    this.servers = new Map(
      Object.entries(options.servers).map(([name, of]) => [
        name,
        new PostgresServer(name, checkServer(name, of), new TenancyEmitter()),
      ]),
    );
  }

  static async create(options: StatusWorldOptions): Promise<StatusWorld> {
    const migrations = { migrationsList: [...options.migrationsList] as never };
    const orm = { entities: [], discovery: { warnWhenNoEntities: false }, migrations };
    return new StatusWorld(options, await OrmTemplate.build(orm, true));
  }

  async read(options?: FleetStatusOptions): Promise<FleetStatus> {
    const { tenants, recorded } = this.#options;
    const reader = new FleetStatusReader<Tenant>({
      template: this.template,
      serverOf: (tenant) => {
        const server = this.servers.get(serverOf(tenant));
        if (server === undefined) {
          throw new TenancyConfigurationError(`There is no server "${serverOf(tenant)}".`);
        }
        return server;
      },
      find: async (id) => {
        const found = tenants.find((one) => one.id === id);
        if (found === undefined) {
          throw new TenantNotFoundError(id);
        }
        return found;
      },
      recorded: recorded === undefined ? undefined : async () => recorded,
      track: (pool) => {
        this.onSession();
        this.pools.add(pool);
        return () => this.pools.delete(pool);
      },
      assertOpen: () => {
        if (this.isClosed) {
          throw new Error('closed');
        }
      },
      lockTimeoutMs: 5_000,
    });
    try {
      return await reader.read(tenants, options);
    } finally {
      this.#assertNothingLeft();
    }
  }

  #assertNothingLeft(): void {
    for (const server of this.servers.values()) {
      const { requests, reserved } = server.stats();
      for (const { opening, open, closing, waiting } of [requests, reserved]) {
        if (opening + open + closing + waiting > 0) {
          throw new Error(`The status left ${JSON.stringify(server.stats())}`);
        }
      }
    }
    if (this.pools.size > 0) {
      throw new Error('The status left pools');
    }
  }
}

/** The report of a tenant whose database answered. */
export function versionOf(status: FleetStatus, tenantId: string): TenantVersionReport {
  const report = reportOf(status, tenantId);
  if (report.state === 'failed') {
    throw new Error(`Tenant "${tenantId}" failed: ${report.error.message}`);
  }
  return report;
}

export function reportOf(status: FleetStatus, tenantId: string): TenantStatusReport {
  const report = status.tenants.find((one) => one.tenantId === tenantId);
  if (report === undefined) {
    throw new Error(`There is no report of tenant "${tenantId}"`);
  }
  return report;
}
