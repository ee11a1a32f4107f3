import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { defineEntity, type EntityManager, p } from '@mikro-orm/core';
import { Migration } from '@mikro-orm/migrations';
import { Seeder } from '@mikro-orm/seeder';
import { TenantClosedError, type TenantLease } from 'mikro-orm-multitenancy';
import { adminQuery } from '../../support/databases.ts';
import { relations } from '../../support/metadata/defineEntityLibrary.ts';
import { type Sharing, ThreeTenants } from '../../support/metadata/ThreeTenants.ts';

const { Publisher } = relations.model;

class PublisherSeeder extends Seeder {
  async run(em: EntityManager): Promise<void> {
    em.create(Publisher, { name: em.config.get('dbName') as string });
  }
}

class Migration20240101000000 extends Migration {
  override up(): void {
    this.addSql('create table migrated (id int)');
  }

  override down(): void {
    this.addSql('drop table migrated');
  }
}

const orm = { ...relations.orm, migrations: { migrationsList: [Migration20240101000000] } };

describe.each<Sharing>(['shared', 'stock'])("a tenant's own MikroORM over %s metadata", (sharing) => {
  let tenants: ThreeTenants;
  beforeAll(async () => {
    tenants = await ThreeTenants.create(orm, sharing);
  });
  afterAll(() => tenants?.drop());
  beforeEach(() => tenants.reset());

  /** Leases B, in the middle of a run of A. */
  const withB = (work: (b: TenantLease) => Promise<void>): Promise<void> =>
    tenants.manager.run('tenant-a', async () => {
      await using b = await tenants.manager.acquire('tenant-b');
      await work(b);
    });
  const inDatabase = (id: string, sql: string) => adminQuery(sql, [], tenants.databaseOf(id));

  it("compares and updates its own database's schema", async () => {
    await withB(async (b) => {
      expect(await b.orm.schema.getUpdateSchemaSQL()).toBe('');
      await inDatabase('tenant-b', 'alter table publisher drop column name');
      expect(await b.orm.schema.getUpdateSchemaSQL()).toContain('alter table "publisher" add "name"');
      await using a = await tenants.manager.acquire('tenant-a');
      expect(await a.orm.schema.getUpdateSchemaSQL()).toBe('');
      await b.orm.schema.update();
      expect(await b.orm.schema.getUpdateSchemaSQL()).toBe('');
    });
  });

  it('seeds and clears its own database', async () => {
    await withB(async (b) => {
      await using a = await tenants.manager.acquire('tenant-a');
      await a.orm.seeder.seed(PublisherSeeder);
      await b.orm.seeder.seed(PublisherSeeder);
      for (const id of ['tenant-a', 'tenant-b']) {
        expect(await inDatabase(id, 'select name from publisher')).toEqual([{ name: tenants.databaseOf(id) }]);
      }
      await b.orm.schema.clear();
      expect(await inDatabase('tenant-a', 'select 1 from publisher')).toHaveLength(1);
      expect(await inDatabase('tenant-b', 'select 1 from publisher')).toHaveLength(0);
    });
  });

  it('migrates its own database, without a snapshot file or output', async () => {
    await withB(async (b) => {
      const from = tenants.log.length;
      expect((await b.orm.migrator.up()).map(({ name }) => name)).toEqual(['Migration20240101000000']);
      expect(await b.orm.migrator.getPending()).toEqual([]);
      expect(tenants.log.slice(from).filter((line) => !line.startsWith('[query]'))).toEqual([]);
      await using a = await tenants.manager.acquire('tenant-a');
      expect(await a.orm.migrator.getPending()).toHaveLength(1);
      expect(await inDatabase('tenant-a', "select to_regclass('migrated') as migrated")).toEqual([{ migrated: null }]);
      await b.orm.migrator.down();
      expect(await inDatabase('tenant-b', "select to_regclass('migrated') as migrated")).toEqual([{ migrated: null }]);
    });
  });

  it('keeps its settings, filters and services to itself', async () => {
    class Service {}
    await withB(async (b) => {
      await using a = await tenants.manager.acquire('tenant-a');
      b.orm.config.set('loadStrategy', 'joined');
      b.orm.em.addFilter({ name: 'nothing', cond: { id: -1 }, entity: Publisher, default: true } as never);
      expect(a.orm.config.get('loadStrategy')).toBe('balanced');
      expect(a.orm.config.getCachedService(Service)).not.toBe(b.orm.config.getCachedService(Service));
      await Promise.all([a, b].map(({ orm: own }) => own.seeder.seed(PublisherSeeder)));
      expect(await a.run((em) => em.count(Publisher))).toBe(1);
      expect(await b.run((em) => em.count(Publisher))).toBe(0);
    });
  });

  it('keeps its result cache to itself', async () => {
    await tenants.manager.run('tenant-a', async (a) => {
      await a.insert(Publisher, { name: 'only in a' });
      expect(await a.count(Publisher, {}, { cache: ['publishers', 60_000] })).toBe(1);
      await tenants.manager.run('tenant-b', async (b) => {
        expect(await b.count(Publisher, {}, { cache: ['publishers', 60_000] })).toBe(0);
      });
      await a.nativeDelete(Publisher, {});
      expect(await a.fork().count(Publisher, {}, { cache: ['publishers', 60_000] })).toBe(1);
    });
  });

  it('cannot be sent to another database', async () => {
    const other = tenants.databaseOf('tenant-c');
    await withB(async (b) => {
      await b.orm.reconnect({ dbName: other });
      expect(await databaseOf(b)).toBe(tenants.databaseOf('tenant-b'));
      await expect(b.orm.reconnect({ dbName: other })).rejects.toThrow(TenantClosedError);
      await expect(databaseOf(b)).rejects.toThrow(TenantClosedError);
    });
    await withB(async (b) => expect(await databaseOf(b)).toBe(tenants.databaseOf('tenant-b')));
  });

  it('cannot drop its database from within', async () => {
    await withB(async (b) => {
      await databaseOf(b);
      await expect(b.orm.schema.dropDatabase()).rejects.toThrow(TenantClosedError);
    });
    await withB(async (b) => expect(await databaseOf(b)).toBe(tenants.databaseOf('tenant-b')));
  });

  it('refuses to discover entities later, where that would change every tenant', async () => {
    const refusal = 'discoverEntity() would change the metadata of every tenant';
    await withB(async (b) => {
      const Later = defineEntity({ name: 'Later', properties: { id: p.integer().primary() } });
      const message = messageOf(() => b.orm.discoverEntity(Later as never));
      expect(message).toEqual(sharing === 'shared' ? expect.stringContaining(refusal) : undefined);
    });
  });

  it('opens all tenants at once', async () => {
    await Promise.all(['tenant-a', 'tenant-b', 'tenant-c'].map((id) => tenants.manager.evict(id)));
    const names = await Promise.all(
      ['tenant-a', 'tenant-b', 'tenant-c'].map((id) =>
        tenants.manager.run(id, async (em) => {
          em.create(Publisher, { name: id });
          await em.flush();
          return (await em.fork().findOneOrFail(Publisher, { name: id })).name;
        }),
      ),
    );
    expect(names).toEqual(['tenant-a', 'tenant-b', 'tenant-c']);
  });
});

async function databaseOf(lease: TenantLease): Promise<unknown> {
  const [row] = await lease.run((em) => em.execute<{ database: string }[]>('select current_database() as database'));
  return row?.database;
}

function messageOf(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
