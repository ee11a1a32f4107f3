import { Migration } from '@mikro-orm/migrations';
import { queryAt, serverUrl } from '../databases.ts';

/** Tables with every kind of value and of name that a copy may trip over. */
export class Migration003EveryValue extends Migration {
  override up(): void {
    for (const statement of STATEMENTS) {
      this.addSql(statement);
    }
  }
}

const STATEMENTS = [
  "create type mood as enum ('sad', 'ok', 'it''s \\ fine')",
  'create domain positive as int check (value > 0)',
  'create type pair as (a int, b text)',
  'create schema "Odd ""Schema"""',
  `create table "Odd ""Schema"""."Tab le" ("Col""umn" int primary key, "order" text)`,
  `create table every_value (
    id bigint generated always as identity primary key,
    big bigint, exact numeric, float double precision, small real, flag boolean, note text, short varchar(10), fixed char(5),
    blob bytea, day date, moment timestamptz, local timestamp, clock timetz, span interval, doc jsonb, plain json,
    key uuid, address inet, net cidr, mac macaddr, bits bit varying, tags text[], grid int[][], feeling mood,
    amount positive, pairing pair, span_of int4range, many nummultirange, point point, search tsvector, path xml,
    halved bigint generated always as (big / 2) stored
  )`,
  'create table parent (id int primary key, favourite int)',
  'create table child (id int primary key, parent_id int not null references parent on delete cascade, next_id int references child)',
  'alter table parent add constraint favourite_child foreign key (favourite) references child deferrable initially deferred',
  'alter table child add constraint child_not_valid foreign key (next_id) references child not valid',
  'create table event (at date not null, what text) partition by range (at)',
  "create table event_2025 partition of event for values from ('2025-01-01') to ('2026-01-01')",
  "create table event_2026 partition of event for values from ('2026-01-01') to ('2027-01-01')",
  'create table noted (id serial primary key, note text, changed int not null default 0)',
  `create function note_change() returns trigger language plpgsql as $$ begin new.changed := new.changed + 1; return new; end $$`,
  'create trigger noted_always before insert on noted for each row execute function note_change()',
  'create trigger noted_never before update on noted for each row execute function note_change()',
  'alter table noted disable trigger noted_never',
  'create sequence ticket start 1000 increment 7',
  'create table empty_table (id int)',
  'create unlogged table scratch (id int)',
  'create view house_count as select count(*) as count from house',
  'create materialized view big_notes as select id, note from every_value where note is not null',
  'create materialized view notes_of_notes as select count(*) as count from big_notes',
  'insert into parent (id) values (0)',
];

/** Rows with the values that break a copy which does not let PostgreSQL write them. */
export const EVERY_VALUE = [
  `insert into every_value (big, exact, float, small, flag, note, short, fixed, blob, day, moment, local, clock, span, doc,
     plain, key, address, net, mac, bits, tags, grid, feeling, amount, pairing, span_of, many, point, search, path) values
   (9223372036854775807, 0.1234567890123456789012345678901234567890, 'NaN', 'Infinity', true, E'tab\\t newline\\n back\\\\ \\\\. \\\\N quote '' "',
     '', 'ab', '\\x00ff5c', 'infinity', '2026-11-27 12:34:56.789012+05:30', '-infinity', '12:00:00+02', '1 year 2 mons 3 days 04:05:06.7',
     '{"a": 12345678901234567890, "b": "\\u00e9"}', '{ "spaced" :  1 }', 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6', '::1', '10.0.0.0/8',
     '08:00:2b:01:02:03', B'10101', array['a', null, '', 'NULL', '{x,"y"}'], array[[1, 2], [3, 4]], 'it''s \\ fine', 7,
     row(1, 'two, "three"'), '[1,10)', '{[1.5,2.5],[7,)}', '(1.5,-2)', 'a fat cat'::tsvector, '<a>b</a>')`,
  'insert into every_value (big) values (null)',
  `insert into "Odd ""Schema"""."Tab le" values (1, 'first'), (2, null)`,
  'insert into parent (id) values (1), (2)',
  'insert into child values (10, 1, null), (11, 1, 10), (12, 2, 12)',
  'update parent set favourite = 11 where id = 1',
  "insert into event values ('2025-05-05', 'old'), ('2026-06-06', 'new')",
  "insert into noted (note) values ('one'), ('two')",
  "select setval('ticket', 1014)",
  "select nextval('ticket')",
  'insert into scratch values (1)',
  'refresh materialized view big_notes',
  'refresh materialized view notes_of_notes',
];

/** All that a database holds, in PostgreSQL's words. */
export async function contentOf(database: string, url = serverUrl()): Promise<unknown> {
  const content: Record<string, unknown> = {};
  for (const table of [
    ...['every_value', '"Odd ""Schema"""."Tab le"', 'parent', 'child', 'event', 'event_2025', 'noted', 'scratch'],
    ...['empty_table', 'big_notes', 'notes_of_notes', 'house', 'street', 'house_count', 'mikro_orm_migrations'],
  ]) {
    const rows = await queryAt<{ row: string }>(
      url,
      `select one::text as row from ${table} one order by 1`,
      [],
      database,
    );
    content[table] = rows.map(({ row }) => row);
  }
  for (const sequence of ['ticket', 'every_value_id_seq', 'noted_id_seq', 'house_id_seq']) {
    content[sequence] = await queryAt(url, `select last_value, is_called from ${sequence}`, [], database);
  }
  content['constraints'] = await queryAt(
    url,
    `select conname, convalidated, condeferrable, condeferred, pg_get_constraintdef(oid) as def from pg_constraint
     where connamespace = 'public'::regnamespace order by 1, 5`,
    [],
    database,
  );
  content['triggers'] = await queryAt(
    url,
    'select tgname, tgenabled from pg_trigger where not tgisinternal order by 1',
    [],
    database,
  );
  return content;
}
