import { describe, expect, it } from '@jest/globals';
import { TenancyConfigurationError } from 'mikro-orm-multitenancy';
import { libsqlDatabases } from 'mikro-orm-multitenancy/libsql';

describe('the options of files of libSQL', () => {
  it.each([
    [{}, 'folder'],
    [{ folder: '' }, 'folder'],
    [{ folder: 'file:///tmp' }, 'path of a folder'],
    [{ folder: 'a\0b' }, 'path of a folder'],
    [{ folder: '/tmp', maxOpen: 0 }, 'maxOpen'],
    [{ folder: '/tmp', acquireTimeoutMs: 1.5 }, 'acquireTimeoutMs'],
    [{ folder: '/tmp', maxConnectionsPerTenant: 4 }, 'maxConnectionsPerTenant'],
    [{ folder: '/tmp', encryptionKey: 'x' }, 'encryptionKey'],
  ])('are refused as %j', (options, named) => {
    expect(() => libsqlDatabases(options as never)).toThrow(TenancyConfigurationError);
    expect(() => libsqlDatabases(options as never)).toThrow(named);
  });

  it.each([
    [{ folder: 'libsql://acme.turso.io' }, 'folder'],
    [{ folder: 'https://acme.turso.io' }, 'folder'],
    [{ url: 'libsql://acme.turso.io' }, 'url'],
    [{ folder: '/tmp', syncUrl: 'libsql://acme.turso.io', authToken: 'secret' }, 'authToken'],
    [{ folder: '/tmp', syncUrl: 'libsql://acme.turso.io' }, 'syncUrl'],
    [{ folder: '/tmp', offline: true }, 'offline'],
  ])('name no database on a server, nor a replica of one: %j', (options, named) => {
    const make = () => libsqlDatabases(options as never);
    expect(make).toThrow(TenancyConfigurationError);
    expect(make).toThrow(`libsqlDatabases: \`${named}\` names a database on a server, or a replica of one.`);
    expect(make).not.toThrow(/turso|secret/);
  });

  it('have defaults beside the folder', () => {
    expect(libsqlDatabases({ folder: 'tenants' }).kind).toBe('libSQL');
  });
});
