import { describe, expect, it } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';
import { StaticCatalog, TenancyConfigurationError, TenantOrmManager } from 'mikro-orm-multitenancy';
import { customers, Plan } from '../../support/central/customers.ts';
import { serverUrl } from '../../support/databases.ts';
import { House } from '../../support/manager/TestTenants.ts';

describe('options of the central database', () => {
  const base = { orm: { entities: [House] }, server: serverUrl() };

  it('are not needed, and then it cannot be asked for', async () => {
    const manager = await TenantOrmManager.init({ ...base, catalog: new StaticCatalog([]) });
    expect(() => manager.central).toThrow(/no central database.*Give `central/);
    await manager.close();
  });

  it('may stand beside a catalogue of one’s own', async () => {
    const catalog = new StaticCatalog([]);
    const manager = await TenantOrmManager.init({ ...base, catalog, central: { database: 'shared' } });
    expect(manager.catalog).toBe(catalog);
    expect(manager.central.orm).toBeDefined();
    await manager.close();
  });

  it('refuse an entity that the tenants have too, and take an abstract base and an embeddable of both', async () => {
    const Address = defineEntity({ name: 'Address', embeddable: true, properties: { city: p.string() } });
    const Base = defineEntity({ name: 'Base', abstract: true, properties: { id: p.integer().primary() } });
    const Shop = defineEntity({ name: 'Shop', extends: Base, properties: { at: () => p.embedded(Address) } });
    const Office = defineEntity({ name: 'Office', extends: Base, properties: { at: () => p.embedded(Address) } });
    const manager = await TenantOrmManager.init({
      ...base,
      orm: { entities: [House, Shop] },
      central: { database: 'shared', orm: { entities: [Office] } },
    });
    await manager.close();
    const both = TenantOrmManager.init({ ...base, central: { database: 'shared', orm: { entities: [House] } } });
    await expect(both).rejects.toThrow(TenancyConfigurationError);
    await expect(both).rejects.toThrow(/entity House is in `orm` and in `central.orm`/);
  });

  it.each<[string, object, RegExp]>([
    ['no database', {}, /database/],
    ['a database name that is too long', { database: 'x'.repeat(64) }, /64 bytes/],
    ['something nobody knows', { database: 'a', colour: 'red' }, /colour/],
    ['a database among MikroORM’s options', { database: 'a', orm: { dbName: 'b' } }, /dbName/],
    ['a tenant that is none', { database: 'a', tenant: Plan }, /extends `TenantEntity`/],
    ['too few connections', { database: 'a', server: { url: serverUrl(), maxConnections: 4 } }, /larger than/],
    ['a poll that never comes', { database: 'a', cache: { pollIntervalMs: 0 } }, /pollIntervalMs/],
  ])('are refused with %s', async (_what, central, message) => {
    const refused = TenantOrmManager.init({ ...base, central: central as never });
    await expect(refused).rejects.toThrow(TenancyConfigurationError);
    await expect(refused).rejects.toThrow(message);
  });

  it('name a server where the tenants have several', async () => {
    const refused = TenantOrmManager.init({
      orm: base.orm,
      servers: { eu: serverUrl() },
      central: { database: 'a', ...customers },
    });
    await expect(refused).rejects.toThrow(/`central.server` is needed/);
  });
});
