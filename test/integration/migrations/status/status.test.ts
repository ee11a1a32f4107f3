import { describe, expect, it } from '@jest/globals';
import type { Tenant } from 'mikro-orm-multitenancy';
import pg from 'pg';
import { MigrationFiles } from '../../../../src/migrations/MigrationFiles.ts';
import type { FleetStatus } from '../../../../src/migrations/status/FleetStatus.ts';
import { outcomeOf } from '../../../support/connections/BudgetWorld.ts';
import { adminQuery, serverUrl } from '../../../support/databases.ts';
import { TestTenants, until } from '../../../support/manager/TestTenants.ts';
import { migrationsList, names } from '../../../support/migrations/migrations.ts';
import { reportOf, StatusWorld, versionOf } from '../../../support/migrations/StatusWorld.ts';
import { runProgram } from '../../../support/runProgram.ts';
import { settled } from '../../../support/settled.ts';

const virgin = { schema: '' };
const [first, second, last] = names as [string, string, string];
const servers = { default: serverUrl() };
const migrateTo = async (tenants: TestTenants, versions: Readonly<Record<string, string>>): Promise<void> => {
  const manager = await tenants.manager({ orm: { migrations: { migrationsList } } });
  for (const [id, to] of Object.entries(versions)) {
    await manager.migrator(id).up({ to });
  }
};

describe('the status of a fleet', () => {
  it('says who is behind and by how much, and reads virgin databases without a word in them', async () => {
    await using tenants = await TestTenants.create(['acme', 'globex', 'hooli'], virgin);
    await migrateTo(tenants, { acme: last, globex: first });
    const world = await StatusWorld.create({ tenants: tenants.tenants.toReversed(), migrationsList, servers });
    const status = await world.read();
    expect(status).toMatchObject({ latest: last, known: 3, recorded: false });
    expect(status.counts).toEqual({
      ...{ tenants: 3, current: 1, behind: 2, ahead: 0, failed: 0, missing: 0, outOfOrder: 0 },
      ...{ edited: undefined, drifted: undefined },
    });
    expect(status.tenants.map(({ tenantId }) => tenantId)).toEqual(['acme', 'globex', 'hooli']);
    expect(versionOf(status, 'acme')).toMatchObject({ state: 'current', version: last, behindBy: 0, unverified: 3 });
    expect(versionOf(status, 'globex')).toMatchObject({ state: 'behind', behindBy: 2, pending: [second, last] });
    expect(versionOf(status, 'hooli')).toMatchObject({ state: 'behind', version: undefined, behindBy: 3 });
    expect(JSON.parse(JSON.stringify(status)).tenants).toHaveLength(3);
    const tables = "select 1 from pg_class where relname = 'mikro_orm_migrations'";
    expect(await adminQuery(tables, [], tenants.databaseOf('hooli'))).toEqual([]);
  });

  it('tells what the application does not know from what is newer than it, and what came out of order', async () => {
    await using tenants = await TestTenants.create(['acme', 'globex', 'hooli'], virgin);
    await migrateTo(tenants, { acme: last, globex: first, hooli: first });
    const insert = 'insert into mikro_orm_migrations (name) values ($1)';
    const changed = "update mikro_orm_migrations set name = 'Renamed' where name = $1";
    await adminQuery(changed, [second], tenants.databaseOf('acme'));
    await adminQuery(insert, ['Newer'], tenants.databaseOf('acme'));
    await adminQuery(insert, [last], tenants.databaseOf('globex'));
    await adminQuery(insert, [last], tenants.databaseOf('hooli'));
    await adminQuery(insert, [second], tenants.databaseOf('hooli'));
    const world = await StatusWorld.create({ tenants: tenants.tenants, migrationsList, servers });
    const status = await world.read();
    expect(versionOf(status, 'acme')).toMatchObject({
      ...{ state: 'behind', pending: [second], missing: ['Renamed'], ahead: ['Newer'], outOfOrder: [second] },
    });
    expect(versionOf(status, 'globex')).toMatchObject({ state: 'behind', pending: [second], outOfOrder: [second] });
    expect(versionOf(status, 'hooli')).toMatchObject({ state: 'current', pending: [], outOfOrder: [second] });
    expect(status.counts).toMatchObject({ behind: 2, current: 1, missing: 1, outOfOrder: 3 });
  });

  it('knows a tenant that is ahead of the application', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    await migrateTo(tenants, { acme: last });
    const older = await StatusWorld.create({
      tenants: tenants.tenants,
      migrationsList: migrationsList.slice(0, 2),
      servers,
    });
    expect(versionOf(await older.read(), 'acme')).toMatchObject({ state: 'ahead', ahead: [last], missing: [] });
  });

  it('finds edited migrations by the checksums that were recorded, and says how many have none', async () => {
    await using tenants = await TestTenants.create(['acme', 'globex'], virgin);
    await migrateTo(tenants, { acme: last, globex: second });
    const plain = await StatusWorld.create({ tenants: tenants.tenants, migrationsList, servers });
    const known = await new MigrationFiles(plain.template.orm).withChecksums();
    const recorded = new Map([
      [
        'acme',
        new Map([
          [first, known[0]?.checksum as string],
          [second, `class:${'0'.repeat(64)}`],
          [last, `ts:${'0'.repeat(64)}`],
        ]),
      ],
    ]);
    const world = await StatusWorld.create({ tenants: tenants.tenants, migrationsList, servers, recorded });
    const status = await world.read();
    expect(status).toMatchObject({ recorded: true, counts: { edited: 1 } });
    expect(versionOf(status, 'acme')).toMatchObject({ edited: [second], unverified: 1 });
    expect(versionOf(status, 'globex')).toMatchObject({ edited: [], unverified: 2 });
  });

  it('has a line for each tenant that cannot be asked, and goes on', async () => {
    await using tenants = await TestTenants.create(['acme', 'locked'], virgin);
    await migrateTo(tenants, { acme: last, locked: last });
    const url = new URL(serverUrl());
    url.pathname = tenants.databaseOf('locked');
    const locker = new pg.Client({ connectionString: url.href });
    await locker.connect();
    await locker.query('begin; lock table mikro_orm_migrations in access exclusive mode');
    const all: Tenant[] = [
      ...tenants.tenants,
      { id: 'missing', database: 'no_such_database' },
      { id: 'nowhere', database: 'x', server: 'unknown' },
      { id: 'down', database: 'x', server: 'down' },
    ];
    const world = await StatusWorld.create({
      tenants: all,
      migrationsList,
      servers: { ...servers, down: 'postgresql://app:secret@127.0.0.1:1' },
    });
    const status = await world.read({ statementTimeoutMs: 200, drift: true });
    await locker.end();
    expect(status.counts).toMatchObject({ tenants: 5, current: 1, failed: 4, drifted: 0 });
    expect(reportOf(status, 'locked')).toMatchObject({ error: { code: undefined, sqlState: '57014' } });
    expect(reportOf(status, 'missing')).toMatchObject({
      error: { code: 'TENANT_DATABASE_MISSING', sqlState: '3D000' },
    });
    expect(reportOf(status, 'nowhere')).toMatchObject({ error: { code: 'TENANCY_CONFIGURATION' } });
    expect(reportOf(status, 'down')).toMatchObject({ error: { code: 'TENANT_CONNECTION_FAILED' } });
    expect(versionOf(status, 'acme')).toMatchObject({ state: 'current', drift: { is: 'none' } });
    expect(JSON.stringify(status)).not.toContain('secret');
  });

  it('waits for a migration that has the only connection of the reserve', async () => {
    await using tenants = await TestTenants.create(['acme', 'globex'], virgin);
    const only = { url: serverUrl(), maxConnections: 2, reservedConnections: 1, acquireTimeoutMs: 500 };
    const world = await StatusWorld.create({ tenants: tenants.tenants, migrationsList, servers: { default: only } });
    const server = world.servers.get('default');
    const held = Promise.withResolvers<void>();
    const migration = server?.migrations.run(() => held.promise);
    const reading = outcomeOf(world.read());
    await settled();
    expect(reading).toEqual({});
    expect(server?.stats().reserved).toMatchObject({ opening: 0, open: 0 });
    held.resolve();
    await migration;
    await until(async () => reading.value !== undefined, 'the status waits for ever');
    expect((reading.value as FleetStatus).counts).toMatchObject({ behind: 2, failed: 0 });
  });

  it('ends with the reason of its signal, and leaves nothing', async () => {
    await using tenants = await TestTenants.create(['acme', 'globex'], virgin);
    const world = await StatusWorld.create({ tenants: tenants.tenants, migrationsList, servers });
    const reason = new Error('enough');
    await expect(world.read({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const patience = new AbortController();
    let sessions = 0;
    world.onSession = () => {
      sessions += 1;
      patience.abort(reason);
    };
    await expect(world.read({ signal: patience.signal, drift: true })).rejects.toBe(reason);
    expect(sessions).toBe(1);
    await tenants.noSessions();
  });

  it('refuses options that it does not understand', async () => {
    const world = await StatusWorld.create({ tenants: [], migrationsList, servers });
    await expect(world.read({ statementTimeoutMs: 0 })).rejects.toThrow('statementTimeoutMs');
    await expect(world.read({ drift: { reference: 'nobody' } })).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' });
    expect((await world.read({ drift: true })).counts).toMatchObject({ tenants: 0, drifted: 0 });
  });

  it('of 1,000 tenants makes no ORM, keeps to its connections, and leaves nothing', async () => {
    const ids = Array.from({ length: 20 }, (_, n) => `t${n}`);
    await using tenants = await TestTenants.create(ids, virgin);
    const databases = tenants.tenants.map(({ database }) => database);
    const args = [serverUrl(), ...databases];
    const { stdout } = await runProgram('migrations/statusProgram.ts', args, ['--expose-gc']);
    const { counts, before, after, most, handles, leases } = JSON.parse(stdout);
    expect(counts).toMatchObject({ tenants: 1_000, behind: 1_000, failed: 0 });
    expect(after).toMatchObject({ orms: before.orms, registered: before.registered, sockets: 0 });
    expect(after.heapKb - before.heapKb).toBeLessThan(512);
    expect(most).toBeLessThanOrEqual(4);
    expect({ handles, leases }).toEqual({ handles: { open: 0, opening: 0, leased: 0 }, leases: 0 });
    await tenants.noSessions();
  }, 120_000);
});
