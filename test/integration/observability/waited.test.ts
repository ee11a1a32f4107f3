import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConnectionBudgetExceededError, currentTenant, type TenancyEvents } from 'mikro-orm-multitenancy';
import { serverUrl } from '../../support/databases.ts';
import { House, TestTenants, until } from '../../support/manager/TestTenants.ts';

type Waited = TenancyEvents['connection:waited'] & { readonly heardAs: string | undefined };

describe('`connection:waited`', () => {
  let tenants: TestTenants;
  beforeAll(async () => {
    tenants = await TestTenants.create(['acme', 'globex']);
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  /** A server with room for one connection, and what is heard of those who wait for it. */
  async function narrow(server = {}) {
    const manager = await tenants.manager({
      server: { url: serverUrl(), maxConnections: 2, reservedConnections: 1, ...server },
    });
    const heard: Waited[] = [];
    manager.events.on('connection:waited', (event) => heard.push({ ...event, heardAs: currentTenant()?.id }));
    return { manager, heard };
  }

  it('tells of the one who waits, in that one’s context, and not of those who need not', async () => {
    const { manager, heard } = await narrow();
    await manager.run('acme', (em) => em.count(House));
    await manager.run('acme', (em) => em.count(House));
    // Only the first of the two had to wait, for its connection to be opened.
    expect(heard).toMatchObject([{ tenantId: 'acme', server: 'default', error: undefined, heardAs: 'acme' }]);
    const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const holder = manager.run('acme', (em) =>
      em.transactional(async (tx) => {
        await tx.count(House);
        begun.resolve();
        await end.promise;
      }),
    );
    await begun.promise;
    const waiting = manager.run('globex', (em) => em.count(House));
    await until(async () => manager.stats().servers['default']?.requests.waiting === 1, 'nobody waits');
    expect(heard).toHaveLength(1);
    end.resolve();
    await Promise.all([holder, waiting]);
    // The connection came from the release of another tenant's; whoever hears of it is in the right one's context.
    expect(heard.slice(1)).toMatchObject([{ tenantId: 'globex', error: undefined, heardAs: 'globex' }]);
    expect(heard[1]?.tookMs).toBeGreaterThan(0);
    await manager.close();
  });

  it('says what the one got who got no connection', async () => {
    const { manager, heard } = await narrow({ maxWaiting: 0, maxWaitingPerTenant: 0 });
    await manager.run('acme', (em) =>
      em.transactional(async (tx) => {
        await tx.count(House);
        await expect(manager.run('globex', (other) => other.count(House))).rejects.toThrow(
          ConnectionBudgetExceededError,
        );
      }),
    );
    expect(heard.slice(1)).toMatchObject([
      { tenantId: 'globex', error: expect.any(ConnectionBudgetExceededError), heardAs: 'globex' },
    ]);
    await manager.close();
  });
});
