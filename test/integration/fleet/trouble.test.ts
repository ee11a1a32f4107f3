import { describe, expect, it } from '@jest/globals';
import { Migration } from '@mikro-orm/migrations';
import { MigrationLockTimeoutError } from 'mikro-orm-multitenancy';
import pg from 'pg';
import { adminQuery, dropDatabase, serverUrl } from '../../support/databases.ts';
import { FLEET_MIGRATIONS, FLEET_NAMES, FleetWorld } from '../../support/fleet/FleetWorld.ts';

/** How many tenants; `FLEET_TENANTS=1000 npm test -- test/integration/fleet/trouble` for the whole thing. */
const TENANTS = Number(process.env['FLEET_TENANTS'] ?? 30);
const PREPARE = [
  'create table house (id serial primary key, address text)',
  "insert into house (address) values ('1 Main Street')",
  'create sequence tries',
];

/** Fails for ever in the database of one tenant, and twice in those of three, as two transactions do that deadlock. */
class Migration001Alter extends Migration {
  override up(): void {
    this.addSql('alter table house add column rooms int');
    this.addSql(`do $$ begin
      if current_database() ~ '_t0*7$' then raise exception 'this tenant has data that does not fit'; end if;
      if current_database() ~ '_t0*(3|11|19)$' and nextval('tries') <= 2 then
        raise exception 'deadlock' using errcode = '40P01';
      end if;
    end $$`);
  }
}

class Migration004Half extends Migration {
  override isTransactional(): boolean {
    return false;
  }

  override up(): void {
    this.addSql("insert into counter (note) values ('half')");
    this.addSql('select 1 / (select count(*) from pg_database where datname = current_database() and false)');
  }
}

class Migration004Concurrently extends Migration {
  override isTransactional(): boolean {
    return false;
  }

  override up(): void {
    this.addSql('create index concurrently counter_note on counter (note)');
  }

  override down(): void {
    this.addSql('drop index concurrently counter_note');
  }
}

async function clientOf(database: string): Promise<pg.Client> {
  const url = new URL(serverUrl());
  url.pathname = `/${database}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  return client;
}

describe('a fleet with trouble', () => {
  it('reports just what went wrong, keeps readers waiting no longer than the lock timeout, and does the rest', async () => {
    await using world = await FleetWorld.create(TENANTS, PREPARE);
    const manager = await world.manager({ migrations: [Migration001Alter] });
    const [failing, locked] = [7, 5].map((index) => world.ids[index] ?? '');
    const passing = [3, 11, 19].map((index) => world.ids[index]);
    const reader = await clientOf(world.databaseOf(locked ?? ''));
    await reader.query('begin');
    await reader.query('select * from house');
    // Whoever reads while the migration waits for its lock waits behind it, and must not wait for longer than that.
    const others = await clientOf(world.databaseOf(locked ?? ''));
    await others.query("set lock_timeout = '5s'");
    let [isRead, longestMs] = [true, 0];
    const reading = (async () => {
      while (isRead) {
        const startedAt = performance.now();
        await others.query('select * from house');
        longestMs = Math.max(longestMs, performance.now() - startedAt);
      }
    })();
    let delays = 0;
    manager.events.on('fleet:tenant-delayed', ({ tenantId, error }) => {
      if (tenantId === locked) {
        expect(error).toMatchObject({ sqlState: '55P03' });
        delays += 1;
        if (delays === 2) {
          void reader.query('commit');
        }
      }
    });
    const report = await manager.fleet.migrate({ lockTimeoutMs: 300 });
    isRead = false;
    await reading;
    await Promise.all([reader.end(), others.end()]);
    expect(report).toMatchObject({ state: 'finished', counts: { done: TENANTS - 1, failed: 1, unchanged: 0 } });
    const byAttempts = Map.groupBy(report.items, ({ attempts }) => attempts);
    expect(byAttempts.get(3)?.map(({ tenantId }) => tenantId)).toEqual([...passing, locked].sort());
    expect(byAttempts.get(1)).toHaveLength(TENANTS - 4);
    expect(report.items.filter(({ state }) => state === 'failed')).toMatchObject([
      { tenantId: failing, attempts: 1, error: { sqlState: 'P0001', migration: 'Migration001Alter' } },
    ]);
    for (const id of world.ids) {
      const columns = await world.query(
        id,
        "select 1 from information_schema.columns where table_name = 'house' and column_name = 'rooms'",
      );
      expect([id, columns.length]).toEqual([id, id === failing ? 0 : 1]);
    }
    if (TENANTS >= 1_000) {
      console.log(`${TENANTS} tenants; the longest that a reader waited: ${longestMs.toFixed(0)} ms of 300 ms`);
    }
  }, 300_000);

  it('gives up on a lock that never comes, after as many attempts as it may', async () => {
    await using world = await FleetWorld.create(2, PREPARE);
    const manager = await world.manager({ migrations: [Migration001Alter] });
    const reader = await clientOf(world.databaseOf('t00'));
    await reader.query('begin');
    await reader.query('select * from house');
    const report = await manager.fleet.migrate({ lockTimeoutMs: 50, attempts: 2 });
    await reader.end();
    expect(report.items).toMatchObject([
      { state: 'failed', attempts: 2, error: { sqlState: '55P03' } },
      { state: 'done', attempts: 1 },
    ]);
    expect(await manager.fleet.retry(report.id ?? '')).toMatchObject({ counts: { done: 2 } });
  });

  it('ends a statement that takes too long, without another try', async () => {
    class Migration001Slow extends Migration {
      override up(): void {
        this.addSql('select pg_sleep(20)');
      }
    }
    await using world = await FleetWorld.create(1);
    const manager = await world.manager({ migrations: [Migration001Slow] });
    const report = await manager.fleet.migrate({ statementTimeoutMs: 100 });
    expect(report.items[0]).toMatchObject({ state: 'failed', attempts: 1, error: { sqlState: '57014' } });
  });

  it('says that a migration without a transaction is half done, and does not repeat it by itself', async () => {
    await using world = await FleetWorld.create(1);
    const ormMigrations = { allOrNothing: false };
    const manager = await world.manager({ migrations: [...FLEET_MIGRATIONS, Migration004Half], ormMigrations });
    const report = await manager.fleet.migrate();
    expect(report.items[0]).toMatchObject({
      ...{ state: 'failed', attempts: 1, to: 'Migration003More' },
      error: { migration: 'Migration004Half', mayBeHalfDone: true, sqlState: '22012' },
    });
    expect(report.items[0]?.error?.message).toContain('what it did before the error is still there');
    // What came through before it is the run's, and taken back with it.
    expect(report.items[0]?.migrations.map(({ name }) => name)).toEqual(FLEET_NAMES);
    expect(await world.notes('t00')).toEqual(['002', '003', 'half']);
    expect(await manager.fleet.rollback(report.id ?? '')).toMatchObject({ counts: { done: 1 } });
    expect(await world.executed('t00')).toEqual([]);
  });

  it('applies migrations without a transaction, and takes them back', async () => {
    await using world = await FleetWorld.create(2);
    const ormMigrations = { allOrNothing: false };
    const manager = await world.manager({ migrations: [...FLEET_MIGRATIONS, Migration004Concurrently], ormMigrations });
    const report = await manager.fleet.migrate();
    expect(report).toMatchObject({ counts: { done: 2 } });
    expect(await manager.fleet.rollback(report.id ?? '')).toMatchObject({ counts: { done: 2 } });
    expect(await world.executed('t01')).toEqual([]);
  });

  it('with one transaction for all keeps nothing of those that came before the one that fails', async () => {
    class Migration004Fails extends Migration {
      override up(): void {
        this.addSql('select 1 / 0');
      }
    }
    await using world = await FleetWorld.create(1);
    const manager = await world.manager({ migrations: [...FLEET_MIGRATIONS, Migration004Fails] });
    const report = await manager.fleet.migrate();
    expect(report.items[0]).toMatchObject({ state: 'failed', migrations: [], to: undefined });
    expect(await world.executed('t00')).toEqual([]);
  });

  it('waits for another process that holds the lock, and tries again', async () => {
    await using world = await FleetWorld.create(1);
    const manager = await world.manager({ migrationLockTimeoutMs: 50 });
    const holder = await clientOf(world.databaseOf('t00'));
    await holder.query(`select pg_advisory_lock(${0x6d6f_746d}, 1)`);
    await expect(manager.migrator('t00').up()).rejects.toThrow(MigrationLockTimeoutError);
    manager.events.once('fleet:tenant-delayed', () => void holder.end());
    const report = await manager.fleet.migrate();
    expect(report.items[0]).toMatchObject({ state: 'done', attempts: 2 });
  });

  it('reports a database that is missing, and one whose session is ended meanwhile', async () => {
    class Migration001Ended extends Migration {
      override up(): void {
        this.addSql(`do $$ begin
          if nextval('tries') = 1 then perform pg_terminate_backend(pg_backend_pid()); end if;
        end $$`);
      }
    }
    await using world = await FleetWorld.create(3, PREPARE);
    const manager = await world.manager({ migrations: [Migration001Ended] });
    await dropDatabase(world.databaseOf('t01'));
    const report = await manager.fleet.migrate();
    expect(report.items).toMatchObject([
      { state: 'done', attempts: 2 },
      { state: 'failed', attempts: 1, error: { code: 'TENANT_DATABASE_MISSING' } },
      { state: 'done', attempts: 2 },
    ]);
    expect(await adminQuery('select 1 from pg_database where datname = $1', [world.databaseOf('t01')])).toEqual([]);
  });

  it('is left as it was by a manager that closes, and taken up by another one', async () => {
    await using world = await FleetWorld.create(3);
    const manager = await world.manager();
    manager.events.once('fleet:run-started', () => void manager.close({ timeoutMs: 0 }));
    await expect(manager.fleet.migrate({ leaseMs: 300 })).rejects.toThrow();
    const next = await world.manager();
    const [run] = await next.fleet.runs();
    const report = await next.fleet.resume(run?.id ?? '');
    expect(report).toMatchObject({ state: 'finished', counts: { done: 3 } });
    for (const id of world.ids) {
      expect(await world.notes(id)).toEqual(['002', '003']);
    }
    await expect(manager.fleet.migrate()).rejects.toThrow('closed');
  });
});
