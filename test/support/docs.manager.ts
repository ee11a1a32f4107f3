// What the blocks of the docs import as './manager.ts'.
import { defineEntity, p } from '@mikro-orm/core';
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';

export const House = defineEntity({
  name: 'House',
  properties: { id: p.integer().primary(), address: p.string() },
});

export const manager = await TenantOrmManager.init({
  orm: { entities: [House] },
  server: 'postgresql://localhost:5432',
  catalog: new StaticCatalog([{ id: 'acme', database: 'acme' }]),
});
