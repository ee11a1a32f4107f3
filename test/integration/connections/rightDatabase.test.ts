import { describe, expect, it } from '@jest/globals';
import {
  StaticCatalog,
  TenancyConfigurationError,
  TenantDatabaseMissingError,
  TenantOrmManager,
  WrongDatabaseError,
} from 'mikro-orm-multitenancy';
import { openClient } from '../../../src/connections/openClient.ts';
import { checkServer } from '../../../src/connections/ServerOptions.ts';
import { NO_SESSION } from '../../../src/connections/SessionSettings.ts';
import { MisdirectingProxy } from '../../support/connections/MisdirectingProxy.ts';
import { adminQuery, serverUrl, uniqueName } from '../../support/databases.ts';
import { House, TestTenants } from '../../support/manager/TestTenants.ts';

const currentDatabase = 'select current_database() as name';

describe('the database of a tenant', () => {
  it.each([
    'we"ird nämé',
    "o'hara; drop table x --",
    'UPPER lower',
    'percent %41 %2F',
    'slash/plus+and&equals=',
    'question?hash#at@colon:',
    '..',
    '日本語のデータベース',
    `${'é'.repeat(31)}x`,
  ])('is reached under the name %s', async (database) => {
    await using tenants = await TestTenants.create(['acme'], { databases: { acme: database }, schema: '' });
    const manager = await tenants.manager();
    const [row] = await manager.run('acme', (em) => em.execute<{ name: string }[]>(currentDatabase));
    expect(row?.name).toBe(database);
    expect(await manager.migrator('acme').getExecuted()).toEqual([]);
  });

  it('is never one whose name PostgreSQL would cut to that of another', async () => {
    const longName = 'x'.repeat(64);
    const catalog = { find: async () => ({ id: 'acme', database: longName }), findByDomain: async () => undefined };
    const manager = await TenantOrmManager.init({
      orm: { entities: [House] },
      server: serverUrl(),
      catalog: { ...catalog, list: async () => ({ tenants: [], next: undefined }) },
    });
    await expect(manager.run('acme', () => 1)).rejects.toThrow(/has 64 bytes; PostgreSQL takes at most 63/);
    await expect(manager.migrator('acme').up()).rejects.toThrow(TenancyConfigurationError);
    expect(() => new StaticCatalog([{ id: 'acme', database: longName }])).toThrow(TenancyConfigurationError);
    await manager.close();
  });

  it('is not created when it is missing, by a query or by a migration', async () => {
    const database = uniqueName('missing');
    const manager = await TenantOrmManager.init({
      orm: { entities: [House], migrations: { migrationsList: [] } },
      server: serverUrl(),
      catalog: new StaticCatalog([{ id: 'acme', database }]),
    });
    const attempts = [
      () => manager.run('acme', (em) => em.find(House, {})),
      () => manager.run('acme', (em) => em.transactional((tx) => tx.count(House))),
      () => manager.run('acme', (em) => em.persist(em.create(House, { id: 1, address: 'here' })).flush()),
      () => manager.migrator('acme').up(),
      () => manager.migrator('acme').down(),
      () => manager.migrator('acme').getPending(),
      () => manager.migrator('acme').getExecuted(),
    ];
    for (const attempt of attempts) {
      const error = await attempt().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(TenantDatabaseMissingError);
      expect(error).toMatchObject({ tenantId: 'acme', database, status: 503 });
    }
    expect(await adminQuery('select 1 from pg_database where datname = $1', [database])).toEqual([]);
    await manager.close();
  });

  it('is asked for on every new connection', async () => {
    await using tenants = await TestTenants.create(['acme', 'globex']);
    const manager = await tenants.manager({ server: { url: serverUrl(), maxConnections: 8 } });
    const opened: string[] = [];
    manager.events.on('connection:opened', ({ tenantId }) => opened.push(tenantId));
    const names = await Promise.all(
      ['acme', 'globex', 'acme', 'globex'].map((id) =>
        manager.run(id, async (em) => (await em.execute<{ name: string }[]>(currentDatabase))[0]?.name),
      ),
    );
    const [acme, globex] = ['acme', 'globex'].map((id) => tenants.databaseOf(id));
    expect(names).toEqual([acme, globex, acme, globex]);
    expect(opened.length).toBeGreaterThanOrEqual(2);
  });

  it('is refused when the connection landed somewhere else, as behind a pooler with a wrong entry', async () => {
    await using tenants = await TestTenants.create(['acme', 'globex']);
    await using pooler = await MisdirectingProxy.start(
      serverUrl(),
      tenants.databaseOf('acme'),
      tenants.databaseOf('globex'),
    );
    const manager = await tenants.manager({ server: pooler.url });
    const refused = manager.run('acme', (em) => em.find(House, {}));
    await expect(refused).rejects.toThrow(WrongDatabaseError);
    await tenants.noSessions();
  });

  it('is the one of the call, whatever database the URL of the server names', async () => {
    await using tenants = await TestTenants.create(['acme']);
    const client = await openClient(checkServer('default', `${serverUrl()}/template1`), {
      tenantId: 'acme',
      database: tenants.databaseOf('acme'),
      session: NO_SESSION,
    });
    const { rows } = await client.query(currentDatabase);
    await client.end();
    expect(rows).toEqual([{ name: tenants.databaseOf('acme') }]);
  });
});
