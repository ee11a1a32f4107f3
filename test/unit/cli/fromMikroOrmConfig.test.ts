import { describe, expect, it } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';
import { defineConfig } from '@mikro-orm/postgresql';
import { TenancyConfigurationError } from 'mikro-orm-multitenancy';
import { fromMikroOrmConfig } from 'mikro-orm-multitenancy/cli';
import { checkOrmOptions } from '../../../src/orm/TenantOrmOptions.ts';

const House = defineEntity({ name: 'House', properties: { id: p.integer().primary() } });

describe('the options of one MikroORM as those of tenants', () => {
  it('keep everything but the database', () => {
    const clientUrl = 'postgresql://app:secret@db1:5432/shop';
    const { orm, server } = fromMikroOrmConfig(
      defineConfig({ entities: [House], clientUrl, dbName: 'shop', ensureDatabase: true, forceUtcTimezone: true }),
    );
    expect(Object.keys(orm).sort()).toEqual(['driver', 'entities', 'forceUtcTimezone']);
    expect(() => checkOrmOptions(orm)).not.toThrow();
    expect(server).toEqual({ url: clientUrl });
  });

  it('name the server by host and port, with the defaults of MikroORM', () => {
    expect(fromMikroOrmConfig({ entities: [House], dbName: 'shop' }).server).toEqual({
      url: 'postgresql://127.0.0.1:5432',
      user: 'postgres',
    });
    const password = () => 'a token';
    expect(
      fromMikroOrmConfig({ entities: [House], dbName: 'shop', host: 'db1', port: 5433, user: 'app', password }).server,
    ).toEqual({ url: 'postgresql://db1:5433', user: 'app', password });
  });

  it('take TLS to the server, and leave what else the driver was told for the manager to refuse', () => {
    const ssl = { rejectUnauthorized: false };
    for (const driverOptions of [{ ssl }, { connection: { ssl } }]) {
      const { orm, server } = fromMikroOrmConfig({ entities: [House], dbName: 'shop', driverOptions });
      expect(orm).not.toHaveProperty('driverOptions');
      expect(server).toMatchObject({ ssl });
    }
    const { orm } = fromMikroOrmConfig({ entities: [House], dbName: 'shop', driverOptions: { database: 'another' } });
    expect(() => checkOrmOptions(orm)).toThrow('orm.driverOptions');
  });

  it('are refused as long as they are a function, a promise or a list', () => {
    for (const given of [() => ({}), Promise.resolve({}), [{}], undefined]) {
      expect(() => fromMikroOrmConfig(given as never)).toThrow(TenancyConfigurationError);
    }
  });
});
