import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type ServerOptions,
  StaticCatalog,
  TenancyConfigurationError,
  TenantOrmManager,
  type TenantOrmManagerOptions,
} from 'mikro-orm-multitenancy';
import { checkServer, SERVER_DEFAULTS } from '../../src/connections/ServerOptions.ts';
import { checkManagerOptions, MANAGER_DEFAULTS } from '../../src/ManagerOptions.ts';

const URL = 'postgresql://app:secret@db1:5432';
const orm = { entities: [], discovery: { warnWhenNoEntities: false } };
const catalog = new StaticCatalog([]);
const options = (over: Record<string, unknown>): TenantOrmManagerOptions =>
  ({ orm, catalog, server: URL, ...over }) as unknown as TenantOrmManagerOptions;

describe('options of the manager', () => {
  it('have their documented defaults, and are frozen', () => {
    const checked = checkManagerOptions(options({}));
    expect(checked).toMatchObject({ ...MANAGER_DEFAULTS, catalog });
    expect(checked).toMatchObject({ maxOpenTenants: 2_000, idleTimeoutMs: 1_800_000, migrationLockTimeoutMs: 60_000 });
    expect(Object.isFrozen(checked)).toBe(true);
    expect([...checked.servers.keys()]).toEqual(['default']);
  });

  it.each([
    ['an option that nobody knows', { maxTenants: 3 }, /maxTenants/],
    ['a number as text', { maxOpenTenants: '3' }, /maxOpenTenants/],
    ['zero tenants', { maxOpenTenants: 0 }, /maxOpenTenants/],
    ['half a millisecond', { idleTimeoutMs: 0.5 }, /idleTimeoutMs/],
    ['a time that never ends', { idleTimeoutMs: Number.POSITIVE_INFINITY }, /idleTimeoutMs/],
    ['a time that is no number', { migrationLockTimeoutMs: Number.NaN }, /migrationLockTimeoutMs/],
    ['a time below zero', { migrationLockTimeoutMs: -1 }, /migrationLockTimeoutMs/],
    ['more time than a timer can hold', { idleTimeoutMs: 2 ** 31 }, /idleTimeoutMs/],
    ['no MikroORM options', { orm: undefined }, /orm/],
    ['no catalogue', { catalog: undefined }, /catalog/],
    ['half a catalogue', { catalog: { find: () => {} } }, /catalog/],
    ['no server', { server: undefined }, /either `server` or `servers`/],
    ['a server and servers', { servers: { eu: URL } }, /either `server` or `servers`/],
    ['no server among servers', { server: undefined, servers: {} }, /at least one server/],
    ['a server without a name', { server: undefined, servers: { '': URL } }, /servers/],
    ['something else than a function to warn with', { warn: 'console' }, /warn/],
    ['something between yes and no', { shareMetadata: 'yes' }, /shareMetadata/],
  ])('are refused with %s', async (_what, over, message) => {
    const refused = TenantOrmManager.init(options(over));
    await expect(refused).rejects.toThrow(TenancyConfigurationError);
    await expect(refused).rejects.toThrow(message);
  });
});

describe('options of a server', () => {
  it('have their documented defaults, and one URL stands for both', () => {
    expect(checkServer('default', URL)).toEqual({
      ...SERVER_DEFAULTS,
      url: URL,
      directUrl: URL,
      pooler: 'none',
      replicas: [],
    });
    const direct = 'postgres://app:secret@db1:6432';
    expect(checkServer('default', { url: URL, directUrl: direct })).toMatchObject({
      directUrl: direct,
      pooler: 'transaction',
    });
  });

  it.each([
    'postgresql://localhost',
    'postgres://app:p%40ss%2Fword@10.0.0.1:5432/postgres?sslmode=verify-full',
    'postgresql://app@[::1]:5432',
    'postgresql://app@db/?sslmode=disable&connect_timeout=3',
  ])('may have the URL %s', (url) => {
    expect(checkServer('default', url).url).toBe(url);
  });

  it.each([
    '',
    'db1:5432',
    'mysql://app@db1',
    'http://db1',
    'postgresql://',
    'postgresql:///database',
    '/var/run/postgresql',
    `${URL}?database=other`,
    `${URL}?dbname=other`,
    `${URL}?host=elsewhere`,
    `${URL}?port=1`,
    `${URL}?user=postgres`,
    `${URL}?options=-csearch_path%3Dother`,
    `${URL}?application_name=a&%64atabase=other`,
  ])('may not have the URL %s', (url) => {
    for (const server of [url, { url }, { url: URL, directUrl: url }]) {
      expect(() => checkServer('eu', server)).toThrow(TenancyConfigurationError);
      expect(() => checkServer('eu', server)).toThrow(/Server "eu": /);
    }
  });

  const counts = Object.keys(SERVER_DEFAULTS) as (keyof typeof SERVER_DEFAULTS)[];
  it.each(counts)('take a whole number for %s, and name the option otherwise', (option) => {
    for (const value of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null]) {
      const server = { url: URL, [option]: value } as unknown as ServerOptions;
      expect(() => checkServer('default', server)).toThrow(option);
    }
  });

  it('refuse what they do not know, and a reserve that leaves nothing', () => {
    expect(() => checkServer('default', { url: URL, maxConnection: 5 } as ServerOptions)).toThrow(/maxConnection/);
    expect(() => checkServer('default', { url: URL, maxConnections: 2, reservedConnections: 2 })).toThrow(
      /`reservedConnections` \(2\) leaves nothing of `maxConnections` \(2\)/,
    );
    expect(() => checkServer('default', 7 as unknown as string)).toThrow(TenancyConfigurationError);
  });
});

describe('replicas of a server', () => {
  it('take from their server what they do not say themselves', () => {
    const password = () => 'secret';
    const replicas = [URL, { url: 'postgres://other@db2', user: 'reader', pooler: 'transaction' as const }];
    expect(checkServer('default', { url: URL, password, ssl: true, replicas }).replicas).toEqual([
      { url: URL, pooler: 'none', password, ssl: true },
      { url: 'postgres://other@db2', pooler: 'transaction', user: 'reader', password, ssl: true },
    ]);
  });

  it.each([
    ['a malformed URL', ['mysql://db'], /`replicas\[0\]` must look like/],
    ['a URL of another database', [URL, `${URL}?dbname=x`], /`replicas\[1\]` must not carry/],
    ['what nobody knows', [{ url: URL, weight: 3 }], /weight/],
    ['something else than a list', URL, /replicas/],
  ])('are refused with %s', (_what, replicas, message) => {
    expect(() => checkServer('eu', { url: URL, replicas } as unknown as ServerOptions)).toThrow(message);
  });
});

describe('the pool options of MikroORM', () => {
  const servers = (pool: unknown, server: unknown = URL) =>
    checkManagerOptions(options({ server, orm: { ...orm, pool } })).servers.get('default');

  it('mean the same for each tenant', () => {
    expect(servers({ min: 0, max: 7, idleTimeoutMillis: 1_000, acquireTimeoutMillis: 500 })).toMatchObject({
      maxConnectionsPerTenant: 7,
      idleTimeoutMs: 1_000,
      acquireTimeoutMs: 500,
    });
    expect(servers({ max: 7 }, { url: URL, maxConnectionsPerTenant: 7, idleTimeoutMs: 9 })).toMatchObject({
      maxConnectionsPerTenant: 7,
      idleTimeoutMs: 9,
    });
    expect(servers({})).toMatchObject(SERVER_DEFAULTS);
  });

  it.each([
    ['keep connections idle', { min: 1 }, URL, /`orm.pool.min` \(1\).*Leave it out/],
    ['exceed the budget', { max: 51 }, URL, /`orm.pool.max` \(51\) is more than `maxConnections`.*\(50\)/],
    ['exceed a small budget', { max: 9 }, { url: URL, maxConnections: 8 }, /\(9\).*\(8\)/],
    ['contradict the server', { max: 3 }, { url: URL, maxConnectionsPerTenant: 4 }, /are the same thing. Give one/],
    ['contradict its time', { idleTimeoutMillis: 3 }, { url: URL, idleTimeoutMs: 4 }, /`idleTimeoutMs`/],
    ['mean nothing here', { reapIntervalMillis: 3 }, URL, /reapIntervalMillis/],
    ['are no numbers', { max: '5' }, URL, /max/],
  ])('are refused where they %s', (_what, pool, server, message) => {
    expect(() => servers(pool, server)).toThrow(TenancyConfigurationError);
    expect(() => servers(pool, server)).toThrow(message);
  });
});

describe('a password', () => {
  const password = fc.stringMatching(/^[a-zA-Z0-9]{16}$/);

  it('never shows in a manager, its statistics, or what is said of its options', async () => {
    await fc.assert(
      fc.asyncProperty(
        password,
        fc.constantFrom('server', 'url', 'directUrl', 'central', 'broken'),
        async (secret, where) => {
          const url = `postgresql://app:${secret}@localhost:1`;
          const server = {
            server: url,
            url: { url },
            directUrl: { url: 'postgresql://localhost', directUrl: url },
            central: 'postgresql://localhost',
            broken: { url: `${url}?host=elsewhere`, maxConnections: -1 },
          }[where];
          const central = where === 'central' ? { database: 'central', server: { url, directUrl: url } } : undefined;
          const shown: unknown[] = [];
          try {
            const manager = await TenantOrmManager.init(options({ server, central }));
            shown.push(
              central === undefined ? undefined : manager.central,
              manager,
              manager.stats(),
              manager.events,
              manager.migrator('acme'),
            );
            await manager.close();
          } catch (error) {
            expect(where).toBe('broken');
            shown.push(error, (error as Error).stack);
          }
          expect(inspect(shown, { depth: 12, showHidden: true })).not.toContain(secret);
          expect(JSON.stringify(shown.map(String))).not.toContain(secret);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('never shows in what is said of a malformed URL', () => {
    fc.assert(
      fc.property(
        password,
        fc.constantFrom('mysql://app:', 'postgresql://app:', '', 'postgresql://:'),
        (secret, prefix) => {
          for (const server of [`${prefix}${secret}@`, { url: `${prefix}${secret}@db:port`, maxConnections: 0 }]) {
            try {
              checkServer('default', server);
            } catch (error) {
              expect(error).toBeInstanceOf(TenancyConfigurationError);
              expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(secret);
            }
          }
        },
      ),
    );
  });
});
