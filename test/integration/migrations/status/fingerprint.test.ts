import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { type SchemaDifference, schemaDifferences } from '../../../../src/migrations/status/schemaDifferences.ts';
import { fingerprintOf, objectsOf } from '../../../../src/migrations/status/schemaOf.ts';
import { STATUS_SETTINGS } from '../../../../src/migrations/status/schemaSql.ts';
import { adminQuery, createDatabase, dropDatabase, serverUrl, uniqueName } from '../../../support/databases.ts';
import { EVERY_OBJECT } from '../../../support/migrations/everyObject.ts';

const TABLE = '"public"."mikro_orm_migrations"';
const databases: string[] = [];

async function database(statements: readonly string[] = EVERY_OBJECT): Promise<string> {
  const name = uniqueName('fingerprint');
  databases.push(name);
  await createDatabase(name, statements);
  return name;
}

async function on<R>(name: string, work: (client: pg.Client) => Promise<R>): Promise<R> {
  const url = new URL(serverUrl());
  url.pathname = name;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query(STATUS_SETTINGS, ['10000']);
    return await work(client);
  } finally {
    await client.end();
  }
}

const fingerprint = (name: string): Promise<string> => on(name, (client) => fingerprintOf(client, TABLE));
const objects = (name: string) => on(name, (client) => objectsOf(client, TABLE));

describe('the fingerprint of a schema', () => {
  let reference = '';

  beforeAll(async () => {
    reference = await database();
  });

  afterAll(async () => {
    await Promise.all(databases.map(dropDatabase));
  });

  it('covers an object of every kind', async () => {
    const kinds = new Set((await objects(reference)).map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual([
      ...['column', 'constraint', 'domain', 'enum', 'extension', 'function', 'index', 'materialized view', 'policy'],
      ...['schema', 'sequence', 'table', 'trigger', 'type', 'view'],
    ]);
  });

  it('is the same for the same schema, whatever the order of its making and the rows in it', async () => {
    const other = await database([
      'create schema ops',
      'create extension pg_trgm schema ops',
      'create table dropped (id int)',
      ...EVERY_OBJECT.slice(1).map((statement) =>
        statement.startsWith('create table owner')
          ? `create table owner (
              mood mood default 'sad', gone int, seen_at timestamptz default '2026-01-01 12:00:00+00', home address,
              id int generated always as identity primary key, mail email,
              name varchar(100) default 'nobody' not null, unique (name))`
          : statement,
      ),
      'alter table owner drop column gone',
      'drop table dropped',
      "insert into owner (name, mail) values ('somebody', 'a@b')",
      'refresh materialized view wide',
      'analyze',
    ]);
    expect(schemaDifferences(await objects(reference), await objects(other))).toEqual([]);
    expect(await fingerprint(other)).toBe(await fingerprint(reference));
  });

  it('is the same whatever the settings of the database or the role are', async () => {
    const before = await fingerprint(reference);
    const name = `"${reference}"`;
    for (const setting of [
      "search_path = 'ops', 'public'",
      "timezone = 'Asia/Tokyo'",
      "datestyle = 'German'",
      'quote_all_identifiers = on',
      'extra_float_digits = -5',
    ]) {
      await adminQuery(`alter database ${name} set ${setting}`);
    }
    expect(await fingerprint(reference)).toBe(before);
    await adminQuery(`alter database ${name} reset all`);
  });

  it('leaves out MikroORM’s table of migrations, and nothing of the same name elsewhere', async () => {
    const before = await fingerprint(reference);
    const table = '(id serial primary key, name varchar(255), executed_at timestamptz default current_timestamp)';
    await adminQuery(`create table mikro_orm_migrations ${table}`, [], reference);
    await adminQuery("insert into mikro_orm_migrations (name) values ('first')", [], reference);
    expect(await fingerprint(reference)).toBe(before);
    await adminQuery(`create table ops.mikro_orm_migrations ${table}`, [], reference);
    expect(await fingerprint(reference)).not.toBe(before);
    await adminQuery('drop table ops.mikro_orm_migrations, mikro_orm_migrations', [], reference);
    expect(await fingerprint(reference)).toBe(before);
  });

  const of = (is: 'missing' | 'extra', kind: string, ...names: string[]): SchemaDifference[] =>
    names.map((name) => ({ kind, name: `public.${name}`, is }));
  const different = (kind: string, name: string, expected: string, actual: string): SchemaDifference[] => [
    { kind, name: `public.${name}`, is: 'different', expected, actual },
  ];
  const function_ = (name: string): SchemaDifference[] => [
    { kind: 'function', name: `public.${name}`, is: 'different' },
  ];

  const changes: readonly (readonly [string, readonly unknown[]])[] = [
    ['create schema more', [{ kind: 'schema', name: 'more', is: 'extra' }]],
    ['drop extension pg_trgm', [{ kind: 'extension', name: 'pg_trgm', is: 'missing' }]],
    ['drop view tall', of('missing', 'view', 'tall')],
    ['alter view tall set (security_barrier)', [expect.objectContaining({ name: 'public.tall', is: 'different' })]],
    [
      'create or replace view tall as select id, height from house h where height > 11',
      [expect.objectContaining({ kind: 'view', name: 'public.tall', is: 'different' })],
    ],
    [
      'create table more (id int primary key)',
      [
        ...of('extra', 'column', 'more.id'),
        ...of('extra', 'constraint', 'more.more_pkey'),
        ...of('extra', 'table', 'more'),
      ],
    ],
    [
      'alter table ops.cache set logged',
      [{ kind: 'table', name: 'ops.cache', is: 'different', expected: 'unlogged table', actual: 'table' }],
    ],
    [
      'alter table house force row level security',
      different('table', 'house', 'table row security', 'table row security forced'),
    ],
    [
      'alter table house alter note type varchar(20)',
      different('column', 'house.note', 'character varying(10) collate "C"', 'character varying(20)'),
    ],
    [
      'alter table house alter owner_id set not null',
      different('column', 'house.owner_id', 'integer', 'integer not null'),
    ],
    [
      "alter table owner alter name set default 'no one'",
      different(
        'column',
        'owner.name',
        "character varying(100) not null default 'nobody'::character varying",
        "character varying(100) not null default 'no one'::character varying",
      ),
    ],
    [
      'alter table owner alter id set generated by default',
      different(
        'column',
        'owner.id',
        'integer not null generated always as identity',
        'integer not null generated by default as identity',
      ),
    ],
    [
      'alter table house alter area drop expression',
      [expect.objectContaining({ kind: 'column', name: 'public.house.area', actual: 'integer' })],
    ],
    [
      'alter table house rename note to remark',
      [...of('missing', 'column', 'house.note'), ...of('extra', 'column', 'house.remark')],
    ],
    ['alter table house drop constraint house_width', of('missing', 'constraint', 'house.house_width')],
    [
      'alter table house drop constraint house_width, add constraint house_width check (width > 0) not valid',
      different('constraint', 'house.house_width', 'CHECK ((width > 0))', 'CHECK ((width > 0)) NOT VALID'),
    ],
    ['alter table owner drop constraint owner_name_key', of('missing', 'constraint', 'owner.owner_name_key')],
    [
      'alter table visit detach partition visit_2026',
      [
        ...of('extra', 'constraint', 'visit_2026.visit_2026_pkey'),
        ...of('extra', 'index', 'visit_2026_note_idx'),
        ...different(
          'table',
          'visit_2026',
          "table inherits public.visit FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
          'table',
        ),
      ],
    ],
    ['drop index house_lower', of('missing', 'index', 'house_lower')],
    [
      "update pg_index set indisvalid = false where indexrelid = 'house_lower'::regclass",
      [expect.objectContaining({ kind: 'index', actual: expect.stringMatching(/ invalid$/) })],
    ],
    [
      'alter sequence house_id_seq increment by 2',
      [expect.objectContaining({ kind: 'sequence', name: 'public.house_id_seq' })],
    ],
    [
      'alter sequence house_id_seq owned by none',
      [expect.objectContaining({ kind: 'sequence', name: 'public.house_id_seq' })],
    ],
    [
      "alter type mood add value 'calm' before 'happy'",
      different('enum', 'mood', "'sad', 'happy'", "'sad', 'calm', 'happy'"),
    ],
    ['alter domain email drop not null', [expect.objectContaining({ kind: 'domain', name: 'public.email' })]],
    [
      'alter domain email add constraint long check (length(value) < 200)',
      [expect.objectContaining({ kind: 'domain', name: 'public.email' })],
    ],
    [
      'alter type address add attribute zip int',
      different(
        'type',
        'address',
        'street text, city character varying(100)',
        'street text, city character varying(100), zip integer',
      ),
    ],
    [
      "create or replace function twice(n int) returns int language sql immutable as 'select n + n'",
      function_('twice(n integer)'),
    ],
    ['alter function twice(int) volatile', function_('twice(n integer)')],
    ['drop function twice(text)', of('missing', 'function', 'twice(n text)')],
    ['drop procedure tidy', of('missing', 'function', 'tidy()')],
    ['create or replace aggregate total(int) (sfunc = int4pl, stype = int, initcond = 1)', function_('total(integer)')],
    ['drop trigger house_touch on house', of('missing', 'trigger', 'house.house_touch')],
    ['alter table house disable trigger house_touch', [expect.objectContaining({ kind: 'trigger', is: 'different' })]],
    ['drop policy mine on house', of('missing', 'policy', 'house.mine')],
    [
      'alter policy mine on house using (label is null)',
      [expect.objectContaining({ kind: 'policy', name: 'public.house.mine' })],
    ],
  ];

  it.each(changes)('is another one after: %s', async (statement, differences) => {
    await on(reference, async (client) => {
      const before = { fingerprint: await fingerprintOf(client, TABLE), objects: await objectsOf(client, TABLE) };
      await client.query(`begin; set local search_path = public; ${statement}; set local search_path = ''`);
      expect(await fingerprintOf(client, TABLE)).not.toBe(before.fingerprint);
      expect(schemaDifferences(before.objects, await objectsOf(client, TABLE))).toEqual(differences);
      await client.query('rollback');
      expect(await fingerprintOf(client, TABLE)).toBe(before.fingerprint);
    });
  });
});
