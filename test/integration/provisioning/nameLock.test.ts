import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PostgresServer } from '../../../src/connections/PostgresServer.ts';
import { checkServer } from '../../../src/connections/ServerOptions.ts';
import { TenancyEmitter } from '../../../src/events.ts';
import { DatabaseAdmin } from '../../../src/provisioning/DatabaseAdmin.ts';
import { adminQuery, serverUrl, uniqueName } from '../../support/databases.ts';
import { until } from '../../support/manager/TestTenants.ts';

describe('the lock on the name of a database', () => {
  // As two processes have them.
  const servers: PostgresServer[] = [];
  const admins: DatabaseAdmin[] = [];
  beforeAll(() => {
    for (const name of ['one', 'other']) {
      const options = checkServer(name, { url: serverUrl(), reservedConnections: 4 });
      const server = new PostgresServer(name, options, new TenancyEmitter());
      servers.push(server);
      admins.push(new DatabaseAdmin(server));
    }
  });
  afterAll(async () => {
    await Promise.all(admins.map((admin) => admin.close(1_000)));
    for (const server of servers) {
      server.stop();
    }
  });

  it('lets one process at a time work on it, and does not keep other names waiting', async () => {
    const [one, other] = admins as [DatabaseAdmin, DatabaseAdmin];
    const name = uniqueName('locked');
    const [begun, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const log: string[] = [];
    const first = one.locked(name, async () => {
      begun.resolve();
      await mayEnd.promise;
      log.push('first');
    });
    await begun.promise;
    const second = other.locked(name, async () => log.push('second'));
    await other.locked(`${name}_2`, async () => log.push('another name'));
    const waiting = "select 1 from pg_locks where locktype = 'advisory' and not granted and classid = $1";
    await until(async () => (await adminQuery(waiting, [0x6d6f_7470])).length > 0, 'the second does not wait');
    mayEnd.resolve();
    await Promise.all([first, second]);
    expect(log).toEqual(['another name', 'first', 'second']);
  });

  it('gives what the work gives, and is free again whatever comes of it', async () => {
    const [one, other] = admins as [DatabaseAdmin, DatabaseAdmin];
    const name = uniqueName('locked');
    expect(await one.locked(name, async () => 'done')).toBe('done');
    const failing = one.locked(name, async () => {
      throw new Error('broken');
    });
    await expect(failing).rejects.toThrow('broken');
    // The session that had it goes on with other work: only its end would free the lock otherwise.
    await one.session(async () => {
      expect(await other.locked(name, async () => 'done as well')).toBe('done as well');
    });
  });

  it('makes nothing that has become another one meanwhile', async () => {
    const [one, other] = admins as [DatabaseAdmin, DatabaseAdmin];
    const [building, finished] = [uniqueName('building'), uniqueName('finished')];
    const database = { template: 'template0', strategy: 'wal-log', mark: 'made by a test', unless: finished } as const;
    const there = (): Promise<{ name: string }[]> =>
      adminQuery('select datname as name from pg_database where datname in ($1, $2)', [building, finished]);
    expect(await one.create(building, database)).toBe(true);
    expect(await other.create(building, database)).toBe(true);
    try {
      await one.rename(building, finished, { mark: 'made by a test', tenantId: 'a test' });
      expect(await other.create(building, database)).toBe(false);
      expect(await there()).toEqual([{ name: finished }]);
    } finally {
      await one.drop(building);
      await one.drop(finished);
    }
  });
});
