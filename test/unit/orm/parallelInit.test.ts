import { expect, it } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';

const House = defineEntity({ name: 'House', properties: { id: p.integer().primary(), address: p.string() } });

it('shares metadata in each of several managers that are built at once over the same entities', async () => {
  const warnings: string[] = [];
  const init = () =>
    TenantOrmManager.init({
      orm: { entities: [House] },
      server: 'postgresql://localhost',
      catalog: new StaticCatalog([{ id: 'acme', database: 'acme' }]),
      warn: (message) => warnings.push(message),
    });
  const managers = await Promise.all([init(), init(), init()]);
  expect(warnings).toEqual([]);
  await Promise.all(managers.map((manager) => manager.close()));
});
