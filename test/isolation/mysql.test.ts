import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EntitySchema, wrap } from '@mikro-orm/core';
import {
  TenancyConfigurationError,
  TenantClosedError,
  TenantDatabaseMissingError,
  TenantOrmManager,
} from 'mikro-orm-multitenancy';
import { mysqlDatabases } from 'mikro-orm-multitenancy/mysql';
import { House, Person } from '../support/isolation/entities.ts';
import { describeIsolation } from '../support/kinds/isolationCases.ts';
import { describeWithMariaDb, MariaDb } from '../support/mysql/MariaDb.ts';
import { MysqlWorld } from '../support/mysql/MysqlWorld.ts';

describeWithMariaDb('tenants with a database of MariaDB each', () => {
  let server: MariaDb;
  let world: MysqlWorld;
  beforeAll(async () => {
    server = await MariaDb.start();
    world = await MysqlWorld.create(server, { ids: ['acme', 'globex', 'initech'] });
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  describeIsolation('of which each has its own', (options) => MysqlWorld.create(server, options), 20);

  describe('of which one', () => {
    beforeEach(async () => {
      await world.reset();
      world.statements.length = 0;
    });
    afterEach(() => world.assertNothingHeld());

    let nextId = 100;
    const add = (em: { insert(entity: typeof Person, data: { id: number; name: string }): Promise<unknown> }) =>
      em.insert(Person, { id: nextId++, name: 'new' });

    it('runs inside of its own transaction, neither sees what the outer one has not committed, nor waits for it', async () => {
      await world.manager.run('acme', (outer) =>
        outer.transactional(async (acme) => {
          await add(acme);
          await world.manager.run('acme', async (inner) => {
            expect(inner.isInTransaction()).toBe(false);
            expect(await inner.count(Person)).toBe(3);
            await inner.transactional((em) => add(em));
          });
          await add(acme);
        }),
      );
      expect(await world.people()).toEqual({ acme: 6, globex: 3, initech: 3 });
    });

    it('is closed inside of a transaction loses it, and under a statement has the server end it', async () => {
      const begun = Promise.withResolvers<void>();
      const evicted = Promise.withResolvers<void>();
      const idle = expect(
        world.manager.run('acme', (em) =>
          em.transactional(async (inner) => {
            await add(inner);
            begun.resolve();
            await evicted.promise;
            await add(inner);
          }),
        ),
      ).rejects.toThrow(TenantClosedError);
      await begun.promise;
      const busy = expect(world.manager.run('acme', (em) => em.execute('select sleep(60)'))).rejects.toThrow(
        TenantClosedError,
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
      await world.manager.evict('acme', { timeoutMs: 0 });
      evicted.resolve();
      await Promise.all([idle, busy]);
      expect((await world.people())['acme']).toBe(3);
      const left = await server.query("select id from information_schema.processlist where info like '%sleep(60)'");
      // The question itself holds the text.
      expect(left).toHaveLength(0);
      await world.manager.run('acme', (em) => add(em));
    });
  });

  describe('where a schema of MikroORM is another database', () => {
    beforeEach(() => world.reset());

    const other = () => world.databaseOf('globex');
    const refused = 'names another database';

    it('refuse it in every option of the EntityManager, and nothing of the other one is read or written', async () => {
      await world.manager.run('acme', async (em) => {
        const schema = other();
        await expect(em.find(House, {}, { schema })).rejects.toThrow(TenancyConfigurationError);
        await expect(em.findOne(House, 1, { schema })).rejects.toThrow(refused);
        await expect(em.findAndCount(House, {}, { schema })).rejects.toThrow(refused);
        await expect(em.count(House, {}, { schema })).rejects.toThrow(refused);
        await expect(em.find(House, {}, { schema, populate: ['owner', 'tags'] })).rejects.toThrow(refused);
        await expect(em.insert(Person, { id: 50, name: 'x' }, { schema })).rejects.toThrow(refused);
        await expect(em.insertMany(Person, [{ id: 50, name: 'x' }], { schema })).rejects.toThrow(refused);
        await expect(em.upsert(Person, { id: 1, name: 'x' }, { schema })).rejects.toThrow(refused);
        await expect(em.nativeUpdate(Person, {}, { name: 'x' }, { schema })).rejects.toThrow(refused);
        await expect(em.nativeDelete(Person, {}, { schema })).rejects.toThrow(refused);
        const stream = async () => {
          for await (const _ of em.stream(House, { schema })) {
            expect('a row').toBe('none');
          }
        };
        await expect(stream()).rejects.toThrow(refused);
        const fork = em.fork({ schema });
        await expect(fork.find(House, {})).rejects.toThrow(refused);
        await expect(fork.createQueryBuilder(House).execute()).rejects.toThrow(refused);
        fork.create(Person, { id: 51, name: 'x' });
        await expect(fork.flush()).rejects.toThrow(refused);
        em.schema = schema;
        await expect(em.find(House, {})).rejects.toThrow(refused);
        em.schema = undefined;
      });
      expect(await world.people()).toEqual({ acme: 3, globex: 3, initech: 3 });
    });

    it('refuse it on an entity, in a QueryBuilder, in its joins and in Kysely', async () => {
      await world.manager.run('acme', async (em) => {
        const schema = other();
        const person = em.create(Person, { id: 60, name: 'x' });
        wrap(person).setSchema(schema);
        await expect(em.persist(person).flush()).rejects.toThrow(refused);
        em.clear();
        const loaded = await em.findOneOrFail(Person, 1);
        wrap(loaded).setSchema(schema);
        loaded.name = 'changed';
        await expect(em.flush()).rejects.toThrow(refused);
        em.clear();
        await expect(em.createQueryBuilder(House).withSchema(schema).getResult()).rejects.toThrow(refused);
        await expect(em.createQueryBuilder(Person).withSchema(schema).update({ name: 'x' }).execute()).rejects.toThrow(
          refused,
        );
        await expect(em.createQueryBuilder(Person).withSchema(schema).truncate().execute()).rejects.toThrow(refused);
        const joined = em.createQueryBuilder(House, 'h').select('*').leftJoin('h.owner', 'o', {}, schema);
        await expect(joined.execute()).rejects.toThrow(refused);
        await expect(
          em
            .getKysely()
            .withSchema(schema)
            .selectFrom('house' as never)
            .selectAll()
            .execute(),
        ).rejects.toThrow(refused);
      });
      expect(await world.people()).toEqual({ acme: 3, globex: 3, initech: 3 });
    });

    it('refuse it in SQL of one’s own where it is plain, and take what has a dot for another reason', async () => {
      await world.manager.run('acme', async (em) => {
        for (const sql of [
          `select * from ${other()}.house`,
          `select 1 from (\`${other()}\`.\`house\`)`,
          `select * from house join ${other()} . person`,
          `insert into ${other()}.person values (70, 'x')`,
          `use ${other()}`,
          `/*! use ${other()} */`,
        ]) {
          await expect(em.execute(sql)).rejects.toThrow(TenancyConfigurationError);
        }
        const [row] = await em.execute(
          "select extract(year from h.listed_at) as year, ' from x.y' as text from house h where h.id = 1",
        );
        expect(row).toEqual({ year: 2024, text: ' from x.y' });
        expect(await em.execute(`select id from ${world.databaseOf('acme')}.house where id = 1`)).toEqual([{ id: 1 }]);
        expect(await em.execute('select count(*) as n from information_schema.tables where 1 = 0')).toEqual([{ n: 0 }]);
      });
    });

    it.each([
      ['an entity', { schema: 'other' }, {}],
      ['a wildcard', { schema: '*' }, {}],
      ['a table with a dot', { tableName: 'other.thing' }, {}],
      ['orm.schema', {}, { schema: 'other' }],
      ['orm.migrations.tableName', {}, { migrations: { tableName: 'other.migrations' } }],
    ])('refuse it at init in %s', async (_what, options, orm) => {
      class Thing {
        id!: number;
      }
      const schema = new EntitySchema<Thing>({
        class: Thing,
        ...options,
        properties: { id: { type: 'integer', primary: true } },
      });
      const init = TenantOrmManager.init({
        databases: mysqlDatabases({ url: server.urlOf() }),
        catalog: world.manager.catalog,
        orm: { entities: [schema], ...orm },
      });
      await expect(init).rejects.toThrow('on MySQL and MariaDB is a database');
    });

    it('refuse it in the table of a relation', async () => {
      class Left {
        id!: number;
      }
      class Right {
        id!: number;
      }
      const id = { type: 'integer', primary: true } as const;
      const right = new EntitySchema<Right>({ class: Right, properties: { id } });
      const left = new EntitySchema<Left & { rights: unknown }>({
        class: Left as never,
        properties: { id, rights: { kind: 'm:n', entity: () => Right, pivotTable: 'other.left_rights' } as never },
      });
      const init = TenantOrmManager.init({
        databases: mysqlDatabases({ url: server.urlOf() }),
        catalog: world.manager.catalog,
        orm: { entities: [left, right] },
      });
      await expect(init).rejects.toThrow('on MySQL and MariaDB is a database');
    });
  });

  it('of which one is missing get an error, and nothing is made on the way', async () => {
    await using missing = await MysqlWorld.create(server, { ids: ['gone'] });
    await missing.manager.evict('gone');
    const database = missing.databaseOf('gone');
    await missing.databases.drop(database);
    await expect(missing.manager.run('gone', (em) => em.count(House))).rejects.toThrow(TenantDatabaseMissingError);
    await expect(missing.manager.migrator('gone').up()).rejects.toThrow(TenantDatabaseMissingError);
    await expect(missing.manager.migrator('gone').getPending()).rejects.toThrow(TenantDatabaseMissingError);
    const lease = await missing.manager.acquire('gone');
    await expect(lease.orm.schema.update()).rejects.toThrow(TenantDatabaseMissingError);
    lease.release();
    expect(await missing.databases.exists(database)).toBe(false);
  });
});
