import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TenantConnectionError, WrongDatabaseError } from 'mikro-orm-multitenancy';
import { MisdirectingProxy } from '../../support/connections/MisdirectingProxy.ts';
import { adminQuery, serverUrl, uniqueName } from '../../support/databases.ts';
import { assertClosed, House, TestTenants, until } from '../../support/manager/TestTenants.ts';
import { freePort } from '../../support/postgres.ts';

/** The same server under the name of a role that may only read tells where a statement went. */
describe('the read replicas of a server', () => {
  const reader = uniqueName('replica');
  let tenants: TestTenants;
  beforeAll(async () => {
    tenants = await TestTenants.create(['acme', 'globex']);
    await adminQuery(`create role "${reader}" login password 'reader'`);
    for (const { database } of tenants.tenants) {
      await adminQuery(`create view whoami as select 1 as id, session_user::text as address`, [], database);
      await adminQuery(`grant select on all tables in schema public to "${reader}"`, [], database);
    }
  });
  afterAll(async () => {
    for (const { database } of tenants.tenants) {
      await adminQuery(`drop owned by "${reader}"`, [], database);
    }
    await tenants[Symbol.asyncDispose]();
    await adminQuery(`drop role "${reader}"`);
  });

  const replica = { url: serverUrl(), user: reader, password: 'reader' };
  const who = (connectionType: 'read' | 'write') => ({ connectionType });

  it('serve reads outside of transactions, and the primary the rest', async () => {
    const manager = await tenants.manager({ server: { url: serverUrl(), replicas: [replica, replica] } });
    const asked = async (prefer: 'read' | 'write') => {
      const kysely = () => manager.em.getKysely({ type: prefer });
      const rows = await manager.run('acme', () =>
        kysely()
          .selectFrom('whoami' as never)
          .selectAll()
          .execute(),
      );
      return (rows as { address: string }[])[0]?.address;
    };
    expect(await asked('read')).toBe(reader);
    expect(await asked('write')).not.toBe(reader);
    await manager.run('acme', async (em) => {
      em.create(House, { id: 1, address: 'one' });
      await em.flush();
      expect(await em.find(House, {})).toHaveLength(1);
      expect(await em.transactional((tx) => tx.count(House))).toBe(1);
    });
    const users = await adminQuery<{ usename: string }>(
      "select usename from pg_stat_activity where datname = $1 and application_name = 'tenant:acme'",
      [tenants.databaseOf('acme')],
    );
    expect(new Set(users.map(({ usename }) => usename))).toEqual(new Set([reader, 'postgres']));
    const { requests, breakers } = manager.stats().servers['default'] ?? {};
    expect(requests).toMatchObject({ open: users.length, inUse: 0 });
    expect(breakers).toEqual({ primary: 'closed', 'replica 1': 'closed', 'replica 2': 'closed' });
    await manager.close();
    assertClosed(manager);
    await tenants.noSessions();
  });

  it('do what `connectionType` and `preferReadReplicas` say', async () => {
    const manager = await tenants.manager({
      server: { url: serverUrl(), replicas: [replica] },
      orm: { entities: [House], preferReadReplicas: false },
    });
    const opened: number[] = [];
    manager.events.on('connection:opened', () => opened.push(1));
    const users = async () =>
      (
        await adminQuery<{ usename: string }>('select usename from pg_stat_activity where datname = $1 order by 1', [
          tenants.databaseOf('globex'),
        ])
      ).map(({ usename }) => usename === reader);
    await manager.run('globex', (em) => em.find(House, {}));
    expect(await users()).toEqual([false]);
    await manager.run('globex', (em) => em.find(House, {}, who('read')));
    expect(new Set(await users())).toEqual(new Set([false, true]));
    expect(opened).toHaveLength(2);
    await manager.close();
  });

  it('count in the ceiling of the tenant and of the server', async () => {
    const manager = await tenants.manager({
      server: {
        url: serverUrl(),
        replicas: [replica],
        maxConnectionsPerTenant: 2,
        maxConnections: 4,
        acquireTimeoutMs: 20_000,
      },
    });
    let most = 0;
    manager.events.on('connection:opened', () => {
      for (const of of Object.values(manager.stats({ tenants: true }).servers['default']?.tenants ?? {})) {
        most = Math.max(most, of.opening + of.open + of.closing);
      }
    });
    const work = Array.from({ length: 40 }, (_, n) =>
      manager.run(n % 2 === 0 ? 'acme' : 'globex', (em) =>
        n % 3 === 0 ? em.transactional((tx) => tx.count(House)) : em.count(House),
      ),
    );
    await Promise.all(work);
    expect(most).toBe(2);
    await manager.close();
    assertClosed(manager);
  });

  it('that are down fail their own reads, and nothing else', async () => {
    const url = new URL(serverUrl());
    url.port = String(await freePort());
    const manager = await tenants.manager({ server: { url: serverUrl(), replicas: [url.href] } });
    const down: string[] = [];
    manager.events.on('server:down', ({ route }) => down.push(route));
    for (let n = 0; n < 4; n += 1) {
      await expect(manager.run('acme', (em) => em.find(House, {}))).rejects.toThrow(TenantConnectionError);
      await manager.run('acme', (em) => em.find(House, {}, who('write')));
    }
    expect(down).toEqual(['replica 1']);
    expect(manager.stats().servers['default']?.breakers).toMatchObject({ primary: 'closed' });
    await manager.close();
  });

  it('prove their database as well', async () => {
    await using proxy = await MisdirectingProxy.start(
      serverUrl(),
      tenants.databaseOf('acme'),
      tenants.databaseOf('globex'),
    );
    const manager = await tenants.manager({ server: { url: serverUrl(), replicas: [proxy.url] } });
    await expect(manager.run('acme', (em) => em.find(House, {}))).rejects.toThrow(WrongDatabaseError);
    expect(await manager.run('acme', (em) => em.find(House, {}, who('write')))).toBeDefined();
    await manager.close();
    await until(async () => manager.stats().servers['default']?.requests.closing === 0, 'something still closes');
  });
});
