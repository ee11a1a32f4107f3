import { TenancyConfigurationError } from '../errors.ts';
import { serverOf, type Tenant } from '../tenant/Tenant.ts';
import type { ConnectionAccount } from './ConnectionAccount.ts';
import type { CredentialSource } from './Credentials.ts';
import type { PostgresServer } from './PostgresServer.ts';
import type { TenantConnection } from './TenantConnection.ts';
import type { PoolsOf, TenantDatabases } from './TenantDatabases.ts';
import { TenantPool } from './TenantPool.ts';
import { TenantPools } from './TenantPools.ts';

/** The tenants' databases on the PostgreSQL servers of a manager. */
export class PostgresDatabases implements TenantDatabases {
  readonly #servers: ReadonlyMap<string, PostgresServer>;
  readonly #credentialsOf: ((tenantId: string) => CredentialSource) | undefined;

  /** `credentialsOf`: as whom a tenant's connections are opened. @default as the server's options say */
  constructor(servers: ReadonlyMap<string, PostgresServer>, credentialsOf?: (tenantId: string) => CredentialSource) {
    this.#servers = servers;
    this.#credentialsOf = credentialsOf;
  }

  sessionKeyOf(tenant: Tenant): string {
    return this.serverOf(tenant).sessionOf(tenant).key;
  }

  poolsOf({ tenant, weight, ...options }: PoolsOf): TenantPools {
    const { id: tenantId, database } = tenant;
    const server = this.serverOf(tenant);
    const credentials = this.#credentialsOf?.(tenantId);
    const of = { tenantId, database, session: server.sessionOf(tenant), weight, credentials };
    const { watchesLeaks } = server;
    const poolOn = (account: ConnectionAccount<TenantConnection>): TenantPool =>
      new TenantPool(account, { ...options, watchesLeaks });
    return new TenantPools(poolOn(server.requests(of)), server.replicas(of).map(poolOn));
  }

  /** The server that holds the tenant's database. Throws `TenancyConfigurationError` where there is none of its name. */
  serverOf(tenant: Tenant): PostgresServer {
    const name = serverOf(tenant);
    const server = this.#servers.get(name);
    if (server === undefined) {
      const known = [...this.#servers.keys()].join(', ');
      throw new TenancyConfigurationError(
        `Tenant "${tenant.id}": the server "${name}" is none of \`servers\` (${known}).`,
        { tenantId: tenant.id },
      );
    }
    return server;
  }
}
