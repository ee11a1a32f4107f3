import { describe, expect, it } from '@jest/globals';
import { TenancyConfigurationError, type TenantOrmOptions } from 'mikro-orm-multitenancy';
import { checkOrmOptions } from '../../../src/orm/TenantOrmOptions.ts';

class Subscriber {}

const check =
  (options: Record<string, unknown>): (() => void) =>
  () =>
    checkOrmOptions({ entities: [], ...options } as TenantOrmOptions);

describe('options of the ORM for tenants', () => {
  it.each([
    ['clientUrl', 'postgresql://db1', 'name the server in `server` or `servers`'],
    ['dbName', 'acme', 'put it into the catalog'],
    ['host', 'db1', 'name the server in `server` or `servers`'],
    ['port', 5432, 'name the server in `server` or `servers`'],
    ['user', 'app', 'name the server in `server` or `servers`'],
    ['password', 'secret', 'name the server in `server` or `servers`'],
    ['name', 'acme', 'each tenant brings its own'],
    ['contextName', 'acme', 'each tenant has its own'],
    ['context', () => undefined, 'found by `manager.run` and the middleware'],
    ['driverOptions', { database: 'acme' }, 'connections belong to the budget of the server'],
    ['replicas', [], 'name them in `replicas` of the server'],
    ['onCreateConnection', () => {}, 'leaks the connection'],
    ['onReserveConnection', () => {}, 'leaks the connection'],
    ['preferEnvVars', true, 'an environment variable would beat the tenant'],
    ['hydrator', class {}, 'share one that survives exceptions'],
  ])('refuse %s, and say what to do instead', (option, value, instead) => {
    expect(check({ [option]: value })).toThrow(TenancyConfigurationError);
    expect(check({ [option]: value })).toThrow(`\`orm.${option}\` cannot be set for tenants: `);
    expect(check({ [option]: value })).toThrow(instead);
    expect(check({ [option]: undefined })).not.toThrow();
  });

  it('never repeat a refused value, which may be a secret', () => {
    expect(check({ password: 'hunter2' })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hunter2') }),
    );
  });

  it.each([{ allowGlobalContext: true }, { ensureDatabase: true }, { ensureDatabase: { create: true } }])(
    'refuse %j',
    (options) => {
      expect(check(options)).toThrow('`orm.allowGlobalContext` and `orm.ensureDatabase` are off for tenants');
    },
  );

  it('may say again that these are off', () => {
    expect(check({ allowGlobalContext: false, ensureDatabase: false })).not.toThrow();
  });

  it('refuse a session context of the connection, which the next tenant would have', () => {
    expect(check({ sessionContext: 'connection' })).toThrow("must be 'transaction' for tenants");
    expect(check({ sessionContext: 'transaction' })).not.toThrow();
  });

  it('take subscribers as classes, not as instances', () => {
    expect(check({ subscribers: [Subscriber] })).not.toThrow();
    expect(check({ subscribers: [Subscriber, new Subscriber()] })).toThrow('`orm.subscribers` takes classes');
  });

  it('may be anything else that MikroORM knows', () => {
    expect(
      check({ schema: 'app', debug: true, filters: {}, migrations: { path: './migrations' }, resultCache: {} }),
    ).not.toThrow();
  });
});
