import { defineEntity, p } from '@mikro-orm/core';
import { defineTenancyConfig } from 'mikro-orm-multitenancy/cli';
import { Migration001House } from './migrations/Migration001House.ts';

const House = defineEntity({ name: 'House', properties: { id: p.integer().primary(), address: p.string() } });
const { TEST_DATABASE_URL: server = '', TEST_CENTRAL: database = '' } = process.env;

export default defineTenancyConfig({
  orm: { entities: [House], migrations: { migrationsList: [Migration001House] } },
  server,
  central: { database },
});
