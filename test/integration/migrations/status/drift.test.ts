import { afterEach, describe, expect, it } from '@jest/globals';
import { Migration } from '@mikro-orm/migrations';
import type { Tenant } from 'mikro-orm-multitenancy';
import { adminQuery, serverUrl } from '../../../support/databases.ts';
import { TestTenants, until } from '../../../support/manager/TestTenants.ts';
import { Migration005Concurrently, migrationsList } from '../../../support/migrations/migrations.ts';
import { StatusWorld, versionOf } from '../../../support/migrations/StatusWorld.ts';

const virgin = { schema: '' };
const servers = { default: serverUrl() };

class Migration006Functions extends Migration {
  override up(): void {
    this.addSql('alter table counter add column price numeric(10, 2) not null default 0');
    this.addSql("create function secret() returns text language sql as 'select 1::text'");
  }
}

const list = [...migrationsList, Migration005Concurrently, Migration006Functions];
const names = list.map(({ name }) => name);

async function migrated(versions: Readonly<Record<string, number>>): Promise<TestTenants> {
  const tenants = await TestTenants.create(Object.keys(versions), virgin);
  const manager = await tenants.manager({ orm: { migrations: { migrationsList: list } } });
  for (const [id, count] of Object.entries(versions)) {
    // One after the other: one that no transaction may hold sees only what is committed.
    for (const name of names.slice(0, count)) {
      await manager.migrator(id).up({ to: name });
    }
  }
  return tenants;
}

describe('the drift of a fleet', () => {
  afterEach(async () => {
    // Whatever became of the status, its database is gone; those of other tests go soon.
    const references = "select 1 from pg_database where datname like 'tenancy_reference%'";
    await until(async () => (await adminQuery(references)).length === 0, 'a reference database is left');
  });

  it('is none in tenants whose schema is what their migrations come to, behind or not', async () => {
    await using tenants = await migrated({ current: 5, behind: 2, further: 4, virgin: 0 });
    const manager = await tenants.manager({ orm: { migrations: { migrationsList: list } } });
    await manager.migrator('further').down();
    await manager.migrator('virgin').up({ to: names[0] as string });
    await manager.migrator('virgin').down({ to: 0 });
    const world = await StatusWorld.create({ tenants: tenants.tenants, migrationsList: list, servers });
    const status = await world.read({ drift: true });
    for (const { id } of tenants.tenants) {
      expect([id, versionOf(status, id).drift]).toEqual([id, { is: 'none' }]);
    }
    expect(status.counts).toMatchObject({ current: 1, behind: 3, drifted: 0 });
  });

  it('names what differs, and keeps the bodies of functions to itself', async () => {
    await using tenants = await migrated({ acme: 5, globex: 5 });
    const database = tenants.databaseOf('globex');
    await adminQuery(
      'alter table counter add column by_hand text, alter column price type numeric(12, 2)',
      [],
      database,
    );
    await adminQuery('drop index counter_note', [], database);
    await adminQuery(
      "create or replace function secret() returns text language sql as 'select ''abc''::text'",
      [],
      database,
    );
    const world = await StatusWorld.create({ tenants: tenants.tenants, migrationsList: list, servers });
    const status = await world.read({ drift: true });
    expect(versionOf(status, 'acme').drift).toEqual({ is: 'none' });
    expect(versionOf(status, 'globex').drift).toEqual({
      is: 'different',
      objects: 4,
      differences: [
        { kind: 'column', name: 'public.counter.by_hand', is: 'extra' },
        {
          ...{ kind: 'column', name: 'public.counter.price', is: 'different' },
          ...{ expected: 'numeric(10,2) not null default 0', actual: 'numeric(12,2) not null default 0' },
        },
        { kind: 'function', name: 'public.secret()', is: 'different' },
        { kind: 'index', name: 'public.counter_note', is: 'missing' },
      ],
    });
    expect(status.counts.drifted).toBe(1);
    expect(JSON.stringify(status)).not.toContain('abc');
  });

  it('tells no more than the first hundred differences of a tenant, and how many there are', async () => {
    await using tenants = await migrated({ acme: 1 });
    const tables = Array.from({ length: 150 }, (_, n) => `create table extra_${n} ()`);
    await adminQuery(tables.join(';'), [], tenants.databaseOf('acme'));
    const world = await StatusWorld.create({ tenants: tenants.tenants, migrationsList: list, servers });
    const { drift } = versionOf(await world.read({ drift: true }), 'acme');
    expect(drift).toMatchObject({ is: 'different', objects: 150, differences: { length: 100 } });
  });

  it('cannot be told of tenants with newer migrations than the application, or with a gap', async () => {
    await using tenants = await migrated({ acme: 5, globex: 1 });
    const insert = 'insert into mikro_orm_migrations (name) values ($1)';
    await adminQuery(insert, [names[2]], tenants.databaseOf('globex'));
    const known = list.slice(0, 4);
    const world = await StatusWorld.create({ tenants: tenants.tenants, migrationsList: known, servers });
    const status = await world.read({ drift: true });
    expect(versionOf(status, 'acme').drift).toEqual({
      is: 'unknown',
      because: expect.stringContaining(names[4] ?? ''),
    });
    expect(versionOf(status, 'globex').drift).toEqual({
      is: 'unknown',
      because: `"${names[1]}" is pending although later migrations were applied`,
    });
  });

  it('can be told from a tenant instead, of those at the same version', async () => {
    await using tenants = await migrated({ acme: 5, drifted: 5, same: 5, behind: 2 });
    await adminQuery('drop function secret', [], tenants.databaseOf('drifted'));
    // What the migrations alone do not have, and every tenant should.
    for (const id of ['acme', 'drifted', 'same']) {
      await adminQuery('create table from_elsewhere ()', [], tenants.databaseOf(id));
    }
    const world = await StatusWorld.create({ tenants: tenants.tenants, migrationsList: list, servers });
    const status = await world.read({ drift: { reference: 'acme' } });
    expect(versionOf(status, 'acme').drift).toEqual({ is: 'none' });
    expect(versionOf(status, 'same').drift).toEqual({ is: 'none' });
    expect(versionOf(status, 'drifted').drift).toMatchObject({ objects: 1 });
    expect(versionOf(status, 'behind').drift).toMatchObject({ because: 'the reference tenant is at another version' });
  });

  it('cannot be told where no reference can be built, or the reference tenant does not answer', async () => {
    await using tenants = await migrated({ acme: 3 });
    class Migration002Data extends Migration {
      override up(): void {
        this.addSql("do $$ begin raise 'only with data'; end $$");
      }
    }
    const [first, , third] = list;
    const all: Tenant[] = [...tenants.tenants, { id: 'gone', database: 'no_such_database' }];
    const broken = [first, Migration002Data, third] as typeof migrationsList;
    const world = await StatusWorld.create({ tenants: all, migrationsList: broken, servers });
    expect(versionOf(await world.read({ drift: true }), 'acme').drift).toMatchObject({
      is: 'unknown',
      because: expect.stringContaining('only with data'),
    });
    expect(versionOf(await world.read({ drift: { reference: 'gone' } }), 'acme').drift).toMatchObject({
      is: 'unknown',
      because: expect.stringContaining('no database "no_such_database"'),
    });
  });

  it('is not told of a tenant that is migrated meanwhile', async () => {
    await using tenants = await migrated({ acme: 1 });
    await adminQuery('create table by_hand ()', [], tenants.databaseOf('acme'));
    const manager = await tenants.manager({ orm: { migrations: { migrationsList: list } } });
    class Migration001Tables extends Migration {
      override async up(): Promise<void> {
        // It is applied to the reference, between the two looks at the tenant.
        await manager.migrator('acme').up({ to: names[1] as string });
        this.addSql('create table counter (id serial primary key, note text not null)');
      }
    }
    const slow = [Migration001Tables, ...list.slice(1)] as typeof list;
    const world = await StatusWorld.create({ tenants: tenants.tenants, migrationsList: slow, servers });
    const { drift } = versionOf(await world.read({ drift: true }), 'acme');
    expect(drift).toEqual({ is: 'unknown', because: 'it was migrated meanwhile' });
  });

  it('is told apart for each server', async () => {
    await using tenants = await migrated({ acme: 5, globex: 5 });
    await adminQuery('drop function secret', [], tenants.databaseOf('globex'));
    const [acme, globex] = tenants.tenants as [Tenant, Tenant];
    const world = await StatusWorld.create({
      tenants: [
        { ...acme, server: 'eu' },
        { ...globex, server: 'us' },
      ],
      migrationsList: list,
      servers: { eu: serverUrl(), us: serverUrl() },
    });
    const status = await world.read({ drift: true });
    expect(versionOf(status, 'acme').drift).toEqual({ is: 'none' });
    expect(versionOf(status, 'globex').drift).toMatchObject({ is: 'different', objects: 1 });
  });

  it('leaves no database where the manager closes while the reference is built', async () => {
    await using tenants = await migrated({ acme: 5 });
    const world = await StatusWorld.create({ tenants: tenants.tenants, migrationsList: list, servers });
    let sessions = 0;
    world.onSession = () => {
      sessions += 1;
      // The tenant's, the one that creates the database, and the first of its migrations.
      world.isClosed = sessions >= 3;
    };
    await expect(world.read({ drift: true })).rejects.toThrow('closed');
    expect(sessions).toBeGreaterThanOrEqual(3);
  });
});
