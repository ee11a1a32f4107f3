import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { createDatabase, dropDatabase, serverUrl, uniqueName } from '../../support/databases.ts';

const House = defineEntity({ name: 'House', properties: { id: p.integer().primary(), address: p.string() } });

describe('a tenant', () => {
  const database = uniqueName('open');
  beforeAll(() => createDatabase(database, ['create table house (id serial primary key, address text not null)']));
  afterAll(() => dropDatabase(database));

  it('is opened when it is first needed', async () => {
    await using manager = await TenantOrmManager.init({
      orm: { entities: [House] },
      server: serverUrl(),
      catalog: new StaticCatalog([{ id: 'acme', database }]),
    });
    expect(manager.stats().handles.open).toBe(0);
    expect(await manager.run('acme', (em) => em.count(House))).toBe(0);
    expect(manager.stats().handles.open).toBe(1);
  });
});
