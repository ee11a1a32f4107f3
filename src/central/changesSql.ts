import { CHANGES_TABLE, DOMAINS_TABLE, TENANTS_TABLE } from '../catalog/TenantEntity.ts';

export const EVERYTHING_PAGE = 10_000;

const DATABASE = '(select oid from pg_database where datname = current_database())::text as database';

const domainsOf = (id: string): string =>
  `array(select domain_name from ${DOMAINS_TABLE} where tenant_id = ${id} and verified_at is not null)::text[]`;

export const HORIZON = `select ${DATABASE}, pg_snapshot_xmin(pg_current_snapshot())::text as horizon`;

/** One page of all tenants, after the id `$1`. */
export const EVERYTHING = `select t.id, ${domainsOf('t.id')} as domains from ${TENANTS_TABLE} t
  where $1::varchar is null or t.id > $1::varchar collate "C" order by t.id limit ${EVERYTHING_PAGE}`;

/**
 * What transactions from `$1` on have changed, and one row with the next horizon if that is nothing. The snapshot of
 * the statement gives both, so that none can end in between. Rows of transactions that have not begun yet come from a
 * dump of another server.
 */
export const CHANGES_SINCE = `select s.*, c.tenant_id as id, c.changed_in::text,
    case when t.id is not null then ${domainsOf('t.id')} end as domains
  from (select ${DATABASE}, pg_snapshot_xmin(pg_current_snapshot())::text as horizon) s
  left join ${CHANGES_TABLE} c
    on c.changed_in >= $1::text::xid8 and c.changed_in < pg_snapshot_xmax(pg_current_snapshot())
  left join ${TENANTS_TABLE} t on t.id = c.tenant_id`;
