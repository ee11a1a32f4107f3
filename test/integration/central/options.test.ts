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

  it('take an abstract base and an embeddable of both sides', async () => {
    const Address = defineEntity({ name: 'Address', embeddable: true, properties: { city: p.string() } });
    const Base = defineEntity({ name: 'Base', abstract: true, properties: { id: p.integer().primary() } });
    const Shop = defineEntity({ name: 'Shop', extends: Base, properties: { at: () => p.embedded(Address) } });
    const Office = defineEntity({ name: 'Office', extends: Base, properties: { at: () => p.embedded(Address) } });
    // Abstract, and with a table.
    const Animal = defineEntity({
      ...{ name: 'Animal', abstract: true, discriminatorColumn: 'kind' },
      properties: { id: p.integer().primary(), kind: p.string() },
    });
    const Dog = defineEntity({ name: 'Dog', extends: Animal, discriminatorValue: 'dog', properties: {} });
    const Cat = defineEntity({ name: 'Cat', extends: Animal, discriminatorValue: 'cat', properties: {} });
    const manager = await TenantOrmManager.init({
      ...base,
      orm: { entities: [House, Shop, Animal, Dog] },
      central: { database: 'shared', orm: { entities: [Office, Animal, Cat] } },
    });
    await manager.close();
  });

  it.each([
    ['an entity', House],
    ['a view', defineEntity({ name: 'View', expression: 'select 1 as one', properties: { one: p.integer() } })],
  ])('refuse %s of both sides', async (_what, entity) => {
    const orm = { entities: [entity] };
    const both = TenantOrmManager.init({ ...base, orm, central: { database: 'shared', orm } });
    await expect(both).rejects.toThrow(TenancyConfigurationError);
    await expect(both).rejects.toThrow(/entity (House|View) is in `orm` and in `central.orm`/);
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
