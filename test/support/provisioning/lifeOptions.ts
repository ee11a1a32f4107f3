import { Migration } from '@mikro-orm/migrations';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { CatalogTenant, ProvisioningOptions, RolesOptions, ServerOptions, Tenant } from 'mikro-orm-multitenancy';
import { House } from '../manager/TestTenants.ts';

export class Migration001House extends Migration {
  override up(): void {
    this.addSql('create table house (id serial primary key, address text not null)');
  }
}

export class Migration002Street extends Migration {
  override up(): void {
    this.addSql('create table street (id serial primary key, name text not null)');
    this.addSql("insert into street (name) values ('first street')");
  }
}

export const LIFE_MIGRATIONS = [Migration001House, Migration002Street];

/** What a process of its own needs to be like those of the test. */
export interface LifeSettings {
  readonly central: string;
  readonly url: string;
  /** A second server, which is called `other`; the first is `default`. */
  readonly otherUrl?: string | undefined;
  /** What the names of the tenants' databases begin with. */
  readonly prefix: string;
  readonly hasSpares?: boolean | undefined;
  /** What the names of the tenants' roles begin with, where they have some; one more is their group. */
  readonly roles?: string | undefined;
}

export interface LifeOptions {
  readonly provisioning?: ProvisioningOptions<CatalogTenant>;
  readonly migrations?: readonly (new (...args: never[]) => Migration)[];
  readonly server?: Partial<ServerOptions>;
  readonly rolesOptions?: Partial<RolesOptions>;
}

/** For tests only. */
export const TEST_KEYS = Object.freeze({ current: 'k1', keys: { k1: Buffer.alloc(32, 1).toString('base64') } });

/** The options of every manager in these tests. */
export function lifeOptions({
  central,
  url,
  otherUrl,
  provisioning,
  migrations = LIFE_MIGRATIONS,
  server,
  roles,
  rolesOptions,
}: Pick<LifeSettings, 'central' | 'url' | 'otherUrl' | 'roles'> & LifeOptions) {
  const own: ServerOptions = { url, reservedConnections: 4, ...server };
  return {
    orm: { entities: [House], migrations: { migrationsList: [...migrations] as never } },
    ...(otherUrl === undefined
      ? { server: own }
      : { servers: { default: own, other: { url: otherUrl, reservedConnections: 4 } } }),
    central: { database: central, server: url },
    ...(provisioning === undefined ? {} : { provisioning }),
    ...(roles === undefined
      ? {}
      : { roles: { secrets: TEST_KEYS, prefix: `${roles}_`, group: `${roles}_group`, ...rolesOptions } }),
  };
}

/** Each new tenant gets one house, and spares where they are wanted, which nobody makes by himself. */
export function lifeProvisioning({ prefix, hasSpares = false }: LifeSettings): ProvisioningOptions<CatalogTenant> {
  return {
    leaseMs: 300,
    drainTimeoutMs: 1_000,
    databaseName: (id) => `${prefix}_${id}`,
    seed: seedHouse,
    // Also where PostgreSQL's own programs are installed.
    copy: { by: 'stream' },
    ...(hasSpares ? { spares: { min: 1, max: 2, refill: false } } : {}),
  };
}

async function seedHouse(em: EntityManager, tenant: Tenant): Promise<void> {
  em.create(House, { address: `first house of ${tenant.id}` });
}
