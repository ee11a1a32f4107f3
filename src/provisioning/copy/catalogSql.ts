/**
 * Sessions read and write values in the same words, whatever the database or the role says. Names have their schema, a
 * policy hides no row without an error, and no statement has a time limit.
 */
export const COPY_SETTINGS = `select
  set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false),
  set_config('idle_in_transaction_session_timeout', '0', false), set_config('search_path', '', false),
  set_config('row_security', 'off', false), set_config('TimeZone', 'UTC', false),
  set_config('DateStyle', 'ISO, YMD', false), set_config('IntervalStyle', 'postgres', false),
  set_config('extra_float_digits', '1', false), set_config('bytea_output', 'hex', false),
  set_config('client_encoding', 'UTF8', false), set_config('xmloption', 'content', false)`;

/** What belongs to nobody but the application: neither PostgreSQL's own nor what an extension brought. */
const OWN = `left(n.nspname, 3) <> 'pg_' and n.nspname <> 'information_schema' and not exists (
  select from pg_depend e where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')`;

const RELATIONS = `pg_class c join pg_namespace n on n.oid = c.relnamespace`;
const NAME = `format('%I.%I', n.nspname, c.relname) as name`;

/** Tables with rows of their own: partitions, and not what they are partitions of. */
export const TABLES = `select ${NAME}, coalesce((
    select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
    where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = ''), '') as columns
  from ${RELATIONS} where c.relkind = 'r' and ${OWN} order by 1`;

export const SEQUENCES = `select ${NAME} from ${RELATIONS} where c.relkind = 'S' and ${OWN} order by 1`;

/** In the order in which they were made: one may read another. */
export const MATERIALIZED_VIEWS = `select ${NAME} from ${RELATIONS}
  where c.relkind = 'm' and c.relispopulated and ${OWN} order by c.oid`;

/** Those of partitions come and go with those of the whole. */
export const FOREIGN_KEYS = `select format('%I.%I', n.nspname, c.relname) as "table", quote_ident(conname) as name,
    pg_get_constraintdef(k.oid) as definition
  from pg_constraint k join ${RELATIONS} on c.oid = k.conrelid
  where k.contype = 'f' and k.conparentid = 0 and ${OWN} order by k.oid`;

export const TRIGGERS = `select format('%I.%I', n.nspname, c.relname) as "table", quote_ident(tgname) as name, tgenabled as enabled
  from pg_trigger t join ${RELATIONS} on c.oid = t.tgrelid
  where not t.tgisinternal and c.relkind in ('r', 'p') and ${OWN} order by 1, 2`;

export const HAS_LARGE_OBJECTS = 'select exists (select from pg_largeobject_metadata) as has';

export const HAS_RELATIONS = `select exists (select from ${RELATIONS} where ${OWN}) as has`;
