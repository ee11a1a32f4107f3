/** In place of a tenant's id where errors, events and PostgreSQL's `application_name` want one. No tenant can have it. */
export const CENTRAL_ID = '(central)';
/** The same for the connections by which tenants are looked up. */
export const CATALOG_ID = '(catalog)';
/** How messages call the owner of its entities. */
export const CENTRAL_LABEL = 'the central database';
/** Where the catalogue's own migrations are kept; an application's are in MikroORM's default table. */
export const CATALOG_MIGRATIONS_TABLE = 'tenancy_migrations';

/** The tables of the ledger of fleet runs. */
export const FLEET_TABLES = /^tenancy_fleet_(runs|items|attempts)$/;

/** The tables of what is done to tenants, of the databases ready for new ones, of those kept after a move, and of secrets. */
export const PROVISIONING_TABLES = /^tenancy_(operations|spares|leftovers|secrets)$/;
