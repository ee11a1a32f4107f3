import { describe, expect, it } from '@jest/globals';
import { checkServer } from '../../../src/connections/ServerOptions.ts';
import { withPool } from '../../../src/connections/withPool.ts';
import { TenancyConfigurationError } from '../../../src/errors.ts';

const URL = 'postgresql://app:secret@db1:5432';

describe("MikroORM's options of a pool", () => {
  it('keep their meaning for each tenant', () => {
    const server = checkServer(
      'default',
      withPool('default', URL, { min: 0, max: 7, idleTimeoutMillis: 5_000, acquireTimeoutMillis: 1_000 }),
    );
    expect(server).toMatchObject({
      url: URL,
      maxConnectionsPerTenant: 7,
      idleTimeoutMs: 5_000,
      acquireTimeoutMs: 1_000,
    });
  });

  it('may say the same as the server does', () => {
    const options = { url: URL, maxConnectionsPerTenant: 3 };
    expect(checkServer('default', withPool('default', options, { max: 3 })).maxConnectionsPerTenant).toBe(3);
  });

  it.each<[string, unknown, RegExp]>([
    ['keep connections of tenants that nobody uses', { min: 1 }, /`orm\.pool\.min` \(1\)/],
    ['exceed the ceiling of all tenants', { max: 51 }, /more than `maxConnections` of server "eu" \(50\)/],
    ['contradict the server', { idleTimeoutMillis: 1 }, /are the same thing/],
    ['are not known', { maxUses: 3 }, /orm\.pool.*maxUses/s],
    ['are of a wrong kind', { max: '3' }, /orm\.pool/],
  ])('are refused where they %s', (_case, pool, message) => {
    const build = (): unknown => withPool('eu', { url: URL, idleTimeoutMs: 2 }, pool);
    expect(build).toThrow(TenancyConfigurationError);
    expect(build).toThrow(message);
  });
});

describe('read replicas', () => {
  it('take what they do not say from their server', () => {
    const { replicas } = checkServer('eu', {
      url: URL,
      user: 'app',
      password: 'secret',
      replicas: ['postgresql://db2:5432', { url: 'postgresql://db3:5432', user: 'reader', pooler: 'transaction' }],
    });
    expect(replicas).toEqual([
      { url: 'postgresql://db2:5432', pooler: 'none', user: 'app', password: 'secret' },
      { url: 'postgresql://db3:5432', pooler: 'transaction', user: 'reader', password: 'secret' },
    ]);
  });

  it('have URLs that are checked like that of the server', () => {
    expect(() => checkServer('eu', { url: URL, replicas: ['mysql://db2'] })).toThrow(
      'Server "eu": `replicas[0]` must look like',
    );
  });
});
