import type { MigrateOptions } from '@mikro-orm/core';
import { Migrator } from '@mikro-orm/migrations';
import { type MikroORM, type Options, PostgreSqlDriver } from '@mikro-orm/postgresql';
import { checkServer } from '../connections/ServerOptions.ts';
import { TenancyConfigurationError, TenantNotFoundError } from '../errors.ts';
import type { TenantMigrator } from '../migrations/TenantMigrator.ts';
import { TenantOrmManager } from '../TenantOrmManager.ts';
import { DEFAULT_SERVER, serverOf, type Tenant } from '../tenant/Tenant.ts';
import type { AnyManagerOptions } from './TenancyConfig.ts';

const TENANT = 'tenant:';

/**
 * What `mikro-orm.config.ts` exports by default, so that MikroORM's own command line works for one tenant:
 * `mikro-orm --contextName=tenant:acme migration:up`. Migrations are applied and taken back under the tenant's lock, and a
 * missing database is an error. Commands without `--contextName` are for `defaultTenant`.
 */
export function mikroOrmConfig(
  options: AnyManagerOptions,
  { defaultTenant }: { readonly defaultTenant?: string } = {},
): (contextName?: string) => Promise<Options> {
  return async (contextName = 'default') => {
    const id = contextName === 'default' ? defaultTenant : idOf(contextName);
    if (id === undefined) {
      throw new TenancyConfigurationError(
        `Say which tenant: --contextName=${TENANT}acme. The context "${contextName}" is nobody's` +
          (contextName === 'default' ? '; `mikroOrmConfig` can be given a `defaultTenant`.' : '.'),
      );
    }
    const tenant = await withManager(options, async (manager) => {
      const found = await manager.catalog.find(id);
      if (found === undefined) {
        throw new TenantNotFoundError(id);
      }
      return found;
    });
    const { directUrl, user, password, ssl } = serverOptions(options, tenant);
    const orm = options.orm as Options;
    return {
      driver: PostgreSqlDriver,
      ...orm,
      contextName,
      clientUrl: directUrl,
      dbName: tenant.database,
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { password }),
      ...(ssl === undefined ? {} : { driverOptions: { ssl } }),
      ensureDatabase: false,
      migrations: { ...orm.migrations, snapshot: false },
      extensions: [
        ...(orm.extensions ?? []).filter((one) => (one as { readonly name?: string }).name !== 'Migrator'),
        lockedMigrator(options, id),
      ],
    } as Options;
  };
}

function idOf(contextName: string): string | undefined {
  return contextName.startsWith(TENANT) ? contextName.slice(TENANT.length) : undefined;
}

function serverOptions({ server, servers }: AnyManagerOptions, tenant: Tenant) {
  const name = serverOf(tenant);
  const given = servers?.[name] ?? (name === DEFAULT_SERVER ? server : undefined);
  if (given === undefined) {
    throw new TenancyConfigurationError(`Tenant "${tenant.id}": the server "${name}" is none of \`servers\`.`, {
      tenantId: tenant.id,
    });
  }
  return checkServer(name, given);
}

async function withManager<R>(
  options: AnyManagerOptions,
  work: (manager: TenantOrmManager<Tenant>) => Promise<R>,
): Promise<R> {
  const manager = (await TenantOrmManager.init(options as never)) as unknown as TenantOrmManager<Tenant>;
  try {
    return await work(manager);
  } finally {
    await manager.close();
  }
}

/** MikroORM's migrator, whose changes go through the tenant's own: on a session of its own, under the lock. */
function lockedMigrator(options: AnyManagerOptions, id: string) {
  const locked = <R>(work: (migrator: TenantMigrator) => Promise<R>): Promise<R> =>
    withManager(options, (manager) => work(manager.migrator(id)));
  type Given = string | string[] | MigrateOptions;
  // MikroORM knows the extension by this name.
  const Locked = class Migrator_ extends Migrator {
    static override register(orm: MikroORM): void {
      orm.config.registerExtension('@mikro-orm/migrator', () => new Migrator_(orm.em as never));
    }

    override async up(given?: Given) {
      return locked((migrator) => migrator.up(given));
    }

    override async down(given?: Given) {
      return locked((migrator) => migrator.down(given));
    }

    override async getPending() {
      return locked((migrator) => migrator.getPending());
    }

    override async getExecuted() {
      return locked((migrator) => migrator.getExecuted());
    }
  };
  return Object.defineProperty(Locked, 'name', { value: 'Migrator' });
}
