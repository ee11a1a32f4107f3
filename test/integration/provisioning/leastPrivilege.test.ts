import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TenantOrmManager } from 'mikro-orm-multitenancy';
import { ROOT } from '../../support/docs.ts';
import { OwnPostgres } from '../../support/faults/OwnPostgres.ts';
import { House } from '../../support/manager/TestTenants.ts';
import { LIFE_MIGRATIONS, TEST_KEYS } from '../../support/provisioning/lifeOptions.ts';

/** What the page about security has a superuser do. */
const STATEMENTS = (/^```sql\n(.*?)^```$/ms.exec(readFileSync(join(ROOT, 'docs/security.md'), 'utf8'))?.[1] ?? '')
  .replaceAll("'…'", "'password'")
  .split(';\n')
  .filter((statement) => statement.trim() !== '');

describe('a server that is set up as the page about security says', () => {
  let own: OwnPostgres;
  let urlOf: (user: string) => string;

  beforeAll(async () => {
    own = await OwnPostgres.start({ max_connections: 100 });
    for (const statement of STATEMENTS) {
      await own.query(statement);
    }
    urlOf = (user) => {
      const url = new URL(own.url);
      url.username = user;
      return url.href;
    };
  }, 60_000);

  afterAll(() => own[Symbol.asyncDispose]());

  const init = () => {
    const url = new URL(own.url);
    [url.username, url.password] = ['', ''];
    return TenantOrmManager.init({
      orm: { entities: [House], migrations: { migrationsList: LIFE_MIGRATIONS as never } },
      server: { url: url.href, directUrl: urlOf('tenancy_admin'), pooler: 'none', reservedConnections: 4 },
      central: { database: 'central', server: urlOf('tenancy_central') },
      roles: { secrets: TEST_KEYS, connectionLimit: 20, settings: { statement_timeout: '30s' } },
      provisioning: { drainTimeoutMs: 500, spares: { min: 1, refill: false }, copy: { by: 'stream' } },
    });
  };

  it('has enough for a tenant’s whole life', async () => {
    expect(STATEMENTS.length).toBeGreaterThan(5);
    await using manager = await init();
    await manager.central.migrate();
    await manager.fillSpares();
    await manager.provision({ id: 'acme' });
    await manager.provision({ id: 'globex' });
    await manager.provision({ id: 'initech' });
    await manager.run('acme', async (em) => {
      em.create(House, { address: 'Elm Street 1' });
      await em.flush();
    });
    await manager.rotatePassword('acme');
    await manager.clone('acme', { id: 'copy' });
    expect(await manager.run('copy', (em) => em.count(House))).toBe(1);
    await manager.archive('copy', { keepMs: 0 });
    await manager.restore('copy');
    await manager.rename('copy', 'other-copy');
    await manager.archive('other-copy', { keepMs: 0 });
    await manager.prune();
    // Sessions of the tenant's own role are in the way, and are ended.
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const sleeping = manager.run('globex', async (em) => {
      const sleep = em.execute('select pg_sleep(20)');
      begin();
      await sleep;
    });
    const cut = expect(sleeping).rejects.toThrow();
    await begun;
    await manager.drop('globex');
    await cut;
    const left = await own.query<{ name: string }>(
      "select datname as name from pg_database where datname !~ '^(postgres|template[01]|central|tenancy_.*)$' order by 1",
    );
    expect(left.map(({ name }) => name)).toEqual(['acme', 'initech']);
    expect(await own.query("select rolname from pg_roles where rolname like 'tenant\\_globex%'")).toEqual([]);
  }, 60_000);

  it('lets a tenant’s role connect nowhere else, not even to PostgreSQL’s own databases', async () => {
    await using manager = await init();
    await manager.provision({ id: 'umbrella' });
    const [role] = await own.query<{ name: string }>(
      "select rolname as name from pg_roles where rolname like 'tenant\\_umbrella%'",
    );
    const open = await own.query<{ name: string }>(
      "select datname as name from pg_database where has_database_privilege($1, oid, 'connect') and datallowconn order by 1",
      [role?.name],
    );
    expect(open.map(({ name }) => name)).toEqual(['umbrella']);
  }, 30_000);
});
