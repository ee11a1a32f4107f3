import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  CheckConstraintViolationException,
  defineEntity,
  ForeignKeyConstraintViolationException,
  NotNullConstraintViolationException,
  p,
  SyntaxErrorException,
  TableNotFoundException,
  UniqueConstraintViolationException,
} from '@mikro-orm/core';
import { TenancyConfigurationError } from 'mikro-orm-multitenancy';
import { SqliteWorld } from '../../support/files/SqliteWorld.ts';
import { House, Person } from '../../support/isolation/entities.ts';
import type { KindManager, KindWorld } from '../../support/kinds/KindWorld.ts';
import { LibsqlWorld } from '../../support/libsql/LibsqlWorld.ts';

const Value = defineEntity({
  name: 'Value',
  properties: {
    id: p.integer().primary(),
    text: p.text(),
    blob: p.blob(),
    bytes: p.uint8array(),
    big: p.bigint(),
    double: p.double(),
    decimal: p.decimal('number'),
    isOn: p.boolean(),
    at: p.datetime(),
    day: p.date(),
    json: p.json<object>(),
    none: p.string().nullable(),
  },
});

const VALUES = {
  text: 'ä😀\n\'"',
  blob: Buffer.from([0, 255, 1]),
  bytes: new Uint8Array([2, 0, 254]),
  big: 2n ** 52n + 1n,
  double: -1.25,
  decimal: 12.5,
  isOn: true,
  at: new Date('2026-02-03T04:05:06.789Z'),
  day: '2026-02-03',
  json: { a: [1, 'b', null, { c: false }] },
  none: null,
};

describe('statements on a file of libSQL', () => {
  let world: LibsqlWorld;
  let manager: KindManager;
  beforeAll(async () => {
    world = await LibsqlWorld.create({ ids: ['acme'] });
    manager = world.manager;
    await world.around('acme', (database) => {
      database.exec(`create table strict_one (id integer primary key check (id > 0), name text not null unique);
        create trigger no_entry before insert on strict_one when new.name = 'stop' begin select raise(abort, 'stop'); end;
        create trigger no_way before insert on strict_one when new.name = 'back' begin select raise(rollback, 'back'); end;
        create table note (name text)`);
    });
  });
  beforeEach(() => world.reset());
  afterAll(() => world[Symbol.asyncDispose]());

  const notes = async () =>
    (await world.rows<{ name: string }>('acme', 'select name from note')).map(({ name }) => name);

  it('that fail leave nothing open: what comes after them is committed', async () => {
    const failing = [
      "insert into strict_one values (1, 'one'), (2, 'one') returning id",
      "insert into strict_one values (1, 'one'), (2, 'stop') returning id",
      "insert into strict_one values (1, 'one'), (2, 'back') returning id",
      "insert into strict_one values (0, 'zero') returning id",
      'insert into strict_one values (1, null) returning id',
      'select * from missing',
      'select (((',
      "select json('{')",
      'select abs(-9223372036854775808)',
    ];
    await manager.run('acme', async (em) => {
      for (const [index, text] of failing.entries()) {
        await expect(em.execute(text)).rejects.toThrow();
        await em.execute('insert into note values (?) returning name', [`after ${index}`]);
        await expect(
          em.transactional(async (inner) => {
            await inner.execute('insert into note values (?)', ['undone']);
            await inner.execute(text);
          }),
        ).rejects.toThrow();
        await em.transactional((inner) => inner.execute('insert into note values (?)', [`after transaction ${index}`]));
      }
    });
    expect(await notes()).toEqual(failing.flatMap((_, index) => [`after ${index}`, `after transaction ${index}`]));
    expect(await world.rows('acme', 'select * from strict_one')).toEqual([]);
  });

  it('that are streamed and left early leave nothing open either', async () => {
    await manager.run('acme', async (em) => {
      for await (const house of em.stream(House, { orderBy: { id: 1 } })) {
        expect(house.address).toBe('acme house 1');
        break;
      }
      const failed = async () => {
        for await (const _ of em.stream(House, {})) {
          throw new Error('half-way');
        }
      };
      await expect(failed()).rejects.toThrow('half-way');
      const written: number[] = [];
      const rows = em
        .getKysely<{ person: { id: number; name: string } }>()
        .insertInto('person')
        .values([4, 5, 6].map((id) => ({ id, name: 'streamed' })))
        .returning('id')
        .stream();
      for await (const { id } of rows) {
        written.push(id);
        break;
      }
      expect(written).toEqual([4]);
      await em.insert(Person, { id: 7, name: 'after' });
    });
    expect(await world.rows('acme', 'select id from person where id > 3')).toEqual([4, 5, 6, 7].map((id) => ({ id })));
  });

  it('are each by itself, and do not give the file to others', async () => {
    await manager.run('acme', async (em) => {
      const refused = [
        'select 1; delete from person',
        'pragma locking_mode = normal',
        'explain pragma main.locking_mode(normal)',
        'PRAGMA journal_mode=WAL',
        'pragma "journal_mode" = wal',
        `select readfile('${world.pathOf('acme')}')`,
        `select writefile('${world.pathOf('acme')}', 'x')`,
      ];
      for (const text of refused) {
        await expect(em.execute(text)).rejects.toThrow(TenancyConfigurationError);
      }
      expect(await em.execute('select 1 as one; -- and no more;')).toEqual([{ one: 1 }]);
      expect(await em.execute('pragma locking_mode')).toEqual([{ locking_mode: 'exclusive' }]);
      await em.execute('vacuum');
    });
    expect(await world.count('acme', 'person')).toBe(3);
  });

  it('take no parameter that would end the process, or be read as something else', async () => {
    await manager.run('acme', async (em) => {
      for (const value of [true, 'a\0b', new Date(0), Symbol('x'), 2n ** 64n, '["\\ud800"]']) {
        await expect(em.getKysely().executeQuery(compiled([value]))).rejects.toThrow();
      }
      const { rows } = await em.getKysely().executeQuery(compiled([null, 1.5, 2n ** 53n, 'ä😀', Buffer.from('x')]));
      expect(rows).toEqual([{ a: null, b: 1.5, c: 2 ** 53, d: 'ä😀', e: Buffer.from('x') }]);
    });
  });

  it('that a constraint or the parser refuses are the exceptions of MikroORM', async () => {
    await manager.run('acme', async (em) => {
      await expect(em.insert(Person, { id: 1, name: 'again' })).rejects.toThrow(UniqueConstraintViolationException);
      await expect(em.insert(Person, { id: 50, name: null as never })).rejects.toThrow(
        NotNullConstraintViolationException,
      );
      await expect(em.execute("insert into room (id, name, house_id) values (50, 'x', 99)")).rejects.toThrow(
        ForeignKeyConstraintViolationException,
      );
      await expect(em.execute("insert into strict_one values (0, 'x')")).rejects.toThrow(
        CheckConstraintViolationException,
      );
      await expect(em.execute('select * from missing')).rejects.toThrow(TableNotFoundException);
      await expect(em.execute('select from where')).rejects.toThrow(SyntaxErrorException);
    });
  });
});

const compiled = (parameters: readonly unknown[]) =>
  ({
    sql: `select ${parameters.map((_, index) => `? as ${'abcde'[index]}`).join(', ')}`,
    parameters,
    query: { kind: 'RawNode', sqlFragments: [], parameters: [] },
    queryId: { queryId: 'test' },
  }) as never;

describe('values of a tenant', () => {
  it('are read from libSQL as they were written, and as SQLite reads them', async () => {
    const orm = { entities: [Value] };
    const read = async (world: KindWorld): Promise<object> => {
      {
        await using lease = await world.manager.acquire('acme');
        await lease.orm.schema.create();
      }
      await world.manager.run('acme', async (em) => {
        em.create(Value, { id: 1, ...VALUES });
        await em.flush();
      });
      return world.manager.run('acme', async (em) => {
        const { id: _, ...values } = await em.findOneOrFail(Value, { big: VALUES.big, isOn: true, at: VALUES.at });
        return { ...values };
      });
    };
    await using libsql = await LibsqlWorld.create({ ids: ['acme'], isFilled: false, orm });
    await using sqlite = await SqliteWorld.create({ ids: ['acme'], isFilled: false, orm });
    const values = await read(libsql);
    expect(values).toEqual(VALUES);
    expect(values).toEqual(await read(sqlite));
    const columns =
      'select typeof(text) a, typeof(blob) b, typeof(big) c, typeof(double) d, typeof(is_on) e, typeof(at) f';
    const types = `${columns}, typeof(json) g from value`;
    expect(await libsql.rows('acme', types)).toEqual(await sqlite.rows('acme', types));
  });
});
