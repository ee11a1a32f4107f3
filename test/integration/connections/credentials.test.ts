import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Password, TenantConnectionError } from 'mikro-orm-multitenancy';
import { adminQuery, serverUrl, uniqueName } from '../../support/databases.ts';
import { House, TestTenants, until } from '../../support/manager/TestTenants.ts';

describe('the password of a server', () => {
  const role = uniqueName('rotating');
  let tenants: TestTenants;
  beforeAll(async () => {
    tenants = await TestTenants.create(['acme']);
    await adminQuery(`create role "${role}" login password 'first-secret'`);
    await adminQuery(`grant select on house to "${role}"`, [], tenants.databaseOf('acme'));
  });
  afterAll(async () => {
    await adminQuery(`drop owned by "${role}"`, [], tenants.databaseOf('acme'));
    await tenants[Symbol.asyncDispose]();
    await adminQuery(`drop role "${role}"`);
  });

  const manager = (password: Password, options = {}) =>
    tenants.manager({ server: { url: serverUrl(), user: role, password, maxConnectionsPerTenant: 2, ...options } });
  const who = 'select current_user as name';

  it('beats that of the URL, and so does the user', async () => {
    const fixed = await manager('first-secret');
    expect(await fixed.run('acme', (em) => em.execute(who))).toEqual([{ name: role }]);
    expect(inspect([fixed, fixed.stats()], { depth: 20, showHidden: true })).not.toContain('first-secret');
    await fixed.close();
  });

  it('may change while connections exist: new ones use the new one, and the old ones go on', async () => {
    let password = 'first-secret';
    let asked = 0;
    const rotating = await manager(async () => {
      asked += 1;
      return password;
    });
    const pid = () => rotating.run('acme', async (em) => em.execute('select pg_backend_pid() as pid, pg_sleep(0.05)'));
    const first = await pid();
    await adminQuery(`alter role "${role}" password 'second-secret'`);
    expect(await pid()).toEqual(first);
    expect(asked).toBe(1);
    password = 'second-secret';
    const both = await Promise.all([pid(), pid()]);
    expect(asked).toBe(2);
    expect(both).toContainEqual(first?.[0] === undefined ? [] : first);
    await rotating.close();
    await adminQuery(`alter role "${role}" password 'first-secret'`);
  });

  it.each([
    ['throws', () => Promise.reject(new Error('vault said top-secret-token')), /`password` of its server failed/],
    ['gives nothing', () => undefined as unknown as string, /something else than a string/],
  ])(
    'whose function %s is a connection error, and what it said stays out of the message',
    async (_what, fn, message) => {
      const broken = await manager(fn);
      const shown: unknown[] = [];
      broken.events.on('connection:failed', ({ error }) => shown.push((error as Error).message));
      broken.events.on('server:down', (event) => shown.push(event));
      for (let n = 0; n < 6; n += 1) {
        const error = await broken.run('acme', (em) => em.count(House)).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(TenantConnectionError);
        expect((error as Error).message).toMatch(message);
        shown.push((error as Error).message);
      }
      expect(inspect([shown, broken, broken.stats({ tenants: true })], { depth: 20, showHidden: true })).not.toContain(
        'top-secret-token',
      );
      expect(broken.stats().servers['default']?.breakers).toEqual({ primary: 'closed' });
      await broken.close();
    },
  );

  it('counts in the deadline of connecting, and does not keep the manager from closing', async () => {
    const never = await manager(() => new Promise<string>(() => {}), { connectTimeoutMs: 100 });
    await expect(never.run('acme', (em) => em.count(House))).rejects.toThrow(/no answer within 100 ms/);
    await never.close({ timeoutMs: 0 });
    const closing = await manager(() => new Promise<string>(() => {}), { connectTimeoutMs: 60_000 });
    const waiting = closing.run('acme', (em) => em.count(House)).catch((error: unknown) => error);
    await until(async () => closing.stats().servers['default']?.requests.opening === 1, 'nothing is being opened');
    const startedAt = performance.now();
    await closing.close({ timeoutMs: 50 });
    expect(performance.now() - startedAt).toBeLessThan(150);
    expect(await waiting).toMatchObject({ code: 'TENANT_CLOSED' });
  });
});
