import { Migration001Catalog } from './Migration001Catalog.ts';
import { Migration002Fleet } from './Migration002Fleet.ts';
import { Migration003Provisioning } from './Migration003Provisioning.ts';
import { Migration004Secrets } from './Migration004Secrets.ts';

/** The catalogue's own migrations, in their order. The names are what the database remembers. */
export const CATALOG_MIGRATIONS = Object.freeze([
  { name: 'Migration001Catalog', class: Migration001Catalog },
  { name: 'Migration002Fleet', class: Migration002Fleet },
  { name: 'Migration003Provisioning', class: Migration003Provisioning },
  { name: 'Migration004Secrets', class: Migration004Secrets },
]);
