import { defineEntity, type Opt, p } from '@mikro-orm/core';
import { DEFAULT_SERVER, type TenantStatus } from '../tenant/Tenant.ts';

/** The tables of the catalogue in the central database. */
export const TENANTS_TABLE = 'tenancy_tenants';
export const DOMAINS_TABLE = 'tenancy_domains';
export const CHANGES_TABLE = 'tenancy_changes';
/** What the catalogue's writers notify, in the central database. */
export const CHANNEL = 'tenancy_changed';

const schema = defineEntity({
  name: 'TenantEntity',
  abstract: true,
  properties: {
    // Compared by bytes, so that pages have the same order whatever the database's language is.
    id: p.string().length(63).collation('C').primary(),
    database: p.string().length(63).fieldName('database_name'),
    server: p.string().length(63).default(DEFAULT_SERVER),
    status: p.string().$type<TenantStatus & Opt>().length(16).default('active'),
    metadata: p.json<object>().default('{}'),
    revision: p.integer().version().default(1),
    createdAt: p.datetime().defaultRaw('now()'),
    updatedAt: p
      .datetime()
      .defaultRaw('now()')
      .onUpdate(() => new Date()),
  },
  uniques: [{ name: 'tenancy_tenants_database_unique', properties: ['server', 'database'] }],
  checks: [{ name: 'tenancy_tenants_database_bytes', expression: 'octet_length(database_name) <= 63' }],
  // Named, so that MikroORM's schema generator leaves them be; the migrations of the catalogue have what they do.
  triggers: [
    {
      name: 'tenancy_revise',
      timing: 'before',
      events: ['update'],
      expression: `create trigger tenancy_revise before update on ${TENANTS_TABLE} for each row execute function tenancy_revise()`,
    },
    {
      name: 'tenancy_note_tenant',
      timing: 'after',
      events: ['insert', 'update', 'delete'],
      expression: `create trigger tenancy_note_tenant after insert or update or delete on ${TENANTS_TABLE} for each row execute function tenancy_note_tenant()`,
    },
  ],
});

/**
 * A row of the catalogue. An application's own columns come in a subclass, by decorators or by
 * `defineEntity({ extends: TenantEntity, … })`, which is given as `central.tenant`. Its table is `tenancy_tenants`.
 */
export class TenantEntity extends schema.class {}
schema.setClass(TenantEntity);

/** The catalogue's row of an application without columns of its own. */
const plain = defineEntity({ name: 'CatalogTenantRow', extends: schema, properties: {} });
export class PlainTenant extends plain.class {}
plain.setClass(PlainTenant);

const domain = defineEntity({
  name: 'TenantDomain',
  tableName: DOMAINS_TABLE,
  properties: {
    /** Lower case, A-labels. */
    domain: p.string().length(253).collation('C').primary().fieldName('domain_name'),
    tenantId: p.string().length(63).collation('C').fieldName('tenant_id'),
    isPrimary: p.boolean().default(false),
    /** Only a verified domain leads to its tenant. */
    verifiedAt: p.datetime().nullable(),
    createdAt: p.datetime().defaultRaw('now()'),
  },
});

/** A domain of a tenant, unique over all tenants. */
export class TenantDomain extends domain.class {}
domain.setClass(TenantDomain);
