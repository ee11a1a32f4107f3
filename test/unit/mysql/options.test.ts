import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { TenancyConfigurationError } from 'mikro-orm-multitenancy';
import { mysqlDatabases } from 'mikro-orm-multitenancy/mysql';
import { assertMysqlName } from '../../../src/mysql/databaseName.ts';
import { checkMysqlOptions } from '../../../src/mysql/MysqlOptions.ts';
import { quoteByBackticks } from '../../../src/tenant/databaseName.ts';

const url = 'mysql://app:secret@localhost:3307';

describe('options of MySQL', () => {
  it('have defaults, and an address out of the URL', () => {
    expect(checkMysqlOptions({ url: 'mariadb://a%40b:p%3Aw@db1' })).toMatchObject({
      ...{ host: 'db1', port: 3306, user: 'a@b', password: 'p:w', ssl: undefined },
      ...{ maxConnections: 50, maxConnectionsPerTenant: 4, reservedConnections: 2, acquireTimeoutMs: 3_000 },
    });
    const password = () => 'of now';
    expect(checkMysqlOptions({ url: 'mysql://[::1]:3307/', user: 'me', password, ssl: true })).toMatchObject({
      ...{ host: '::1', port: 3307, user: 'me', password, ssl: {} },
    });
  });

  it.each([
    [{}, 'url'],
    [{ url: 'localhost' }, '`url` must look like'],
    [{ url: 'postgresql://localhost' }, '`url` must look like'],
    [{ url: 'mysql://app:secret@localhost/acme' }, 'no database'],
    [{ url: 'mysql://app:secret@localhost?multipleStatements=true' }, 'no parameters'],
    [{ url, maxConnections: 0 }, 'maxConnections'],
    [{ url, maxConnections: 2, reservedConnections: 2 }, 'leaves nothing'],
    [{ url, connectTimeoutMs: 1.5 }, 'connectTimeoutMs'],
    [{ url, password: 3 }, 'password'],
    [{ url, ssl: 'on' }, 'ssl'],
    [{ url, folder: '/tmp' }, 'folder'],
  ])('are refused: %j', (options, named) => {
    const make = () => mysqlDatabases(options as never);
    expect(make).toThrow(TenancyConfigurationError);
    expect(make).toThrow(named);
    expect(make).not.toThrow('secret');
  });

  it('do not show the password to who looks at the databases', () => {
    expect(inspect(mysqlDatabases({ url }), { depth: 9, showHidden: true })).not.toContain('secret');
  });
});

describe('a name of a database of MySQL', () => {
  it.each(['a', 'acme', 'acme-1_b', 'x'.repeat(64), '1'])('is taken: %s', (name) => {
    expect(() => assertMysqlName(name)).not.toThrow();
  });

  it.each([
    '',
    'x'.repeat(65),
    'Acme',
    'a.b',
    'a`b',
    'a b',
    '-a',
    'a_',
    'ä',
    'mysql',
    'sys',
    'information_schema',
    '../a',
    3,
  ])('is refused: %s', (name) => {
    expect(() => assertMysqlName(name, 'acme')).toThrow(TenancyConfigurationError);
    expect(() => assertMysqlName(name, 'acme')).toThrow('Tenant "acme"');
  });

  it('is quoted so that it stays one name', () => {
    expect(quoteByBackticks('a`b')).toBe('`a``b`');
  });
});
