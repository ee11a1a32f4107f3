import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MikroORM } from '@mikro-orm/postgresql';
import {
  TenancyConfigurationError,
  TenantClosedError,
  TenantOrmManager,
  WrongDatabaseError,
} from 'mikro-orm-multitenancy';
import { serverUrl } from '../support/databases.ts';
import { entities, House, houseEntities } from '../support/isolation/entities.ts';
import { RewritingPooler } from '../support/isolation/RewritingPooler.ts';
import { tenantReached } from '../support/isolation/reached.ts';
import { TenantWorld } from '../support/isolation/TenantWorld.ts';

let world: TenantWorld;
beforeAll(async () => {
  world = await TenantWorld.create();
});
afterEach(() => world.assertNothingHeld());
afterAll(() => world[Symbol.asyncDispose]());

function urlOf(id: string): string {
  return `${serverUrl()}/${world.databases.of(id)}`;
}

describe('options that choose a database', () => {
  const nothing = (): void => {};
  it.each(
    Object.entries({
      dbName: 'another',
      clientUrl: 'postgresql://other:5432/another',
      host: 'other',
      port: 5433,
      user: 'other',
      password: 'secret',
      name: 'another',
      contextName: 'default',
      context: nothing,
      driverOptions: { connection: { database: 'another' } },
      replicas: [{ host: 'other' }],
      onCreateConnection: nothing,
      onReserveConnection: nothing,
      preferEnvVars: true,
      allowGlobalContext: true,
      ensureDatabase: true,
    }),
  )('`%s` is refused, and its value not repeated', async (option, value) => {
    const orm = { entities, [option]: value };
    const refused = TenantOrmManager.init({ orm, server: serverUrl(), catalog: world.manager.catalog });
    await expect(refused).rejects.toThrow(TenancyConfigurationError);
    await expect(refused).rejects.toThrow(`orm.${option}`);
    await expect(refused).rejects.not.toThrow('secret');
  });

  it.each(['database', 'dbname', 'host', 'port', 'user', 'options'])(
    'the URL parameter `%s` is refused',
    async (name) => {
      const server = `${serverUrl()}/?${name}=another`;
      const refused = TenantOrmManager.init({ orm: { entities }, server, catalog: world.manager.catalog });
      await expect(refused).rejects.toThrow(TenancyConfigurationError);
    },
  );

  it('in the path of the server URL are not for tenants', async () => {
    await using manager = await TenantOrmManager.init({
      orm: { entities },
      server: urlOf('globex'),
      catalog: world.manager.catalog,
    });
    expect(await manager.run('acme', tenantReached)).toBe('acme');
  });
});

describe('environment variables', () => {
  const variables = (): Record<string, string> => ({
    MIKRO_ORM_PREFER_ENV_VARS: 'true',
    MIKRO_ORM_DB_NAME: world.databases.of('globex'),
    MIKRO_ORM_CLIENT_URL: urlOf('globex'),
    MIKRO_ORM_HOST: '192.0.2.1',
    MIKRO_ORM_PORT: '1',
    MIKRO_ORM_USER: 'nobody',
    MIKRO_ORM_PASSWORD: 'wrong',
    MIKRO_ORM_ALLOW_GLOBAL_CONTEXT: 'true',
    MIKRO_ORM_ENSURE_DATABASE: 'true',
    PGDATABASE: world.databases.of('globex'),
    PGHOST: '192.0.2.1',
    PGPORT: '1',
    PGUSER: 'nobody',
  });
  beforeEach(() => {
    Object.assign(process.env, variables());
  });
  afterEach(() => {
    for (const name of Object.keys(variables())) {
      Reflect.deleteProperty(process.env, name);
    }
  });

  it('move plain MikroORM from the database in its URL to another', async () => {
    for (const name of Object.keys(variables()).filter((variable) => variable !== 'MIKRO_ORM_DB_NAME')) {
      Reflect.deleteProperty(process.env, name);
    }
    const orm = await MikroORM.init({ entities: houseEntities().schemas, clientUrl: urlOf('acme') });
    try {
      expect(await tenantReached(orm.em.fork())).toBe('globex');
    } finally {
      await orm.close();
    }
  });

  it.each([{}, { shareMetadata: false, warn: () => {} }])('do not move a tenant (%o)', async (options) => {
    await using manager = await TenantOrmManager.init({
      orm: { entities },
      server: serverUrl(),
      catalog: world.manager.catalog,
      ...options,
    });
    for (const id of ['acme', 'globex']) {
      expect(await manager.run(id, tenantReached)).toBe(id);
      await using lease = await manager.acquire(id);
      await expect(lease.orm.em.find(House, {})).rejects.toMatchObject({ name: 'ValidationError' });
    }
  });
});

describe('a pooler that leads to another database', () => {
  it('is found out on the first connection, before any statement of the application', async () => {
    await using pooler = await RewritingPooler.start(serverUrl(), () => world.databases.of('globex'));
    const before = await world.databases.dump();
    await using manager = await TenantOrmManager.init({
      orm: { entities },
      server: pooler.url,
      catalog: world.manager.catalog,
    });
    const written = manager.run('acme', (em) => em.nativeUpdate(House, {}, { address: 'of acme' }));
    await expect(written).rejects.toThrow(WrongDatabaseError);
    const transaction = manager.run('acme', (em) => em.transactional(tenantReached));
    await expect(transaction).rejects.toThrow(WrongDatabaseError);
    await expect(manager.migrator('acme').getExecuted()).rejects.toThrow(WrongDatabaseError);
    expect(await world.databases.dump()).toEqual(before);
    expect(manager.stats().servers['default']).toMatchObject({
      requests: { opening: 0, idle: 0, inUse: 0, closing: 0 },
      reserved: { opening: 0, idle: 0, inUse: 0, closing: 0 },
    });
    expect(await manager.run('globex', tenantReached)).toBe('globex');
  });

  it('is found out on a later connection too', async () => {
    let database = (own: string): string => own;
    await using pooler = await RewritingPooler.start(serverUrl(), (own) => database(own));
    await using manager = await TenantOrmManager.init({
      orm: { entities },
      server: pooler.url,
      catalog: world.manager.catalog,
    });
    await manager.run('acme', async (em) => {
      expect(await tenantReached(em)).toBe('acme');
      database = () => world.databases.of('globex');
      await em.transactional(async (transaction) => {
        await expect(tenantReached(em.fork())).rejects.toThrow(WrongDatabaseError);
        expect(await tenantReached(transaction)).toBe('acme');
      });
    });
  });
});

describe('an ORM that is told to reconnect elsewhere', () => {
  it('stays where it is when it had no connection yet', async () => {
    await world.manager.evict('acme');
    await using lease = await world.manager.acquire('acme');
    await lease.orm.reconnect({ dbName: world.databases.of('globex'), clientUrl: urlOf('globex') });
    expect(await lease.run(tenantReached)).toBe('acme');
  });

  it('is closed when it had one, and the tenant is opened anew on its own database', async () => {
    await using lease = await world.manager.acquire('acme');
    await lease.run(tenantReached);
    const elsewhere = { dbName: world.databases.of('globex'), clientUrl: urlOf('globex') };
    await expect(lease.orm.reconnect(elsewhere)).rejects.toThrow(TenantClosedError);
    await expect(lease.run(tenantReached)).rejects.toThrow(TenantClosedError);
    expect(await world.manager.run('acme', tenantReached)).toBe('acme');
  });
});
