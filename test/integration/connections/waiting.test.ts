import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { TenancyEvents, Tenant, TenantOrmManager } from 'mikro-orm-multitenancy';
import { outcomeOf } from '../../support/connections/BudgetWorld.ts';
import { serverUrl } from '../../support/databases.ts';
import { House, TestTenants, until } from '../../support/manager/TestTenants.ts';

describe('a caller that waits for a connection', () => {
  let tenants: TestTenants;
  const printed = jest.spyOn(console, 'error').mockImplementation(() => {});
  beforeAll(async () => {
    tenants = await TestTenants.create(['acme']);
  });
  afterEach(() => expect(printed).not.toHaveBeenCalled());
  afterAll(() => tenants[Symbol.asyncDispose]());

  const requests = (manager: TenantOrmManager<Tenant>) => manager.stats().servers['default']?.requests;

  /** Holds the only connection until `release` is called. */
  async function held(server = {}) {
    const manager = await tenants.manager({ server: { url: serverUrl(), maxConnectionsPerTenant: 1, ...server } });
    const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const holder = manager.run('acme', (em) =>
      em.transactional(async (tx) => {
        await tx.count(House);
        begun.resolve();
        await end.promise;
      }),
    );
    await begun.promise;
    const release = async (): Promise<void> => {
      end.resolve();
      await holder;
    };
    return { manager, release };
  }

  it('leaves the queue at once when the signal of its run is aborted', async () => {
    const { manager, release } = await held();
    const controller = new AbortController();
    const leaving = outcomeOf(manager.run('acme', (em) => em.count(House), { signal: controller.signal }));
    const staying = manager.run('acme', (em) => em.count(House));
    await until(async () => requests(manager)?.waiting === 2, 'nobody waits');
    controller.abort(new Error('the client is gone'));
    expect(requests(manager)?.waiting).toBe(1);
    await until(async () => leaving.error !== undefined, 'the caller is not told');
    expect((leaving.error as Error).message).toContain('the client is gone');
    await release();
    expect(await staying).toBe(0);
    await until(async () => requests(manager)?.inUse === 0, 'the connection is lost');
    await manager.close();
  });

  it('leaves the queue in a transaction, a stream and a fork of its own as well', async () => {
    const { manager, release } = await held();
    const controller = new AbortController();
    const { signal } = controller;
    const runs = [
      manager.run('acme', (em) => em.transactional((tx) => tx.count(House)), { signal }),
      manager.run('acme', (em) => em.fork().count(House), { signal }),
      manager.run(
        'acme',
        (em) =>
          em
            .getKysely()
            .selectFrom('house' as never)
            .selectAll()
            .execute(),
        { signal },
      ),
    ].map((run) => outcomeOf(run as Promise<unknown>));
    await until(async () => requests(manager)?.waiting === 3, 'nobody waits');
    controller.abort(new Error('the client is gone'));
    expect(requests(manager)?.waiting).toBe(0);
    await until(async () => runs.slice(0, 2).every(({ error }) => error !== undefined), 'a caller is not told');
    await release();
    await until(async () => requests(manager)?.inUse === 0, 'the connection is lost');
    await until(async () => runs.every(({ error }) => error !== undefined), 'a caller is not told');
    await manager.close();
  });

  it('is reported by its stack when it never gives the connection back', async () => {
    const manager = await tenants.manager({ server: { url: serverUrl(), leakWarningMs: 50 } });
    const leaks: TenancyEvents['connection:leaked'][] = [];
    manager.events.on('connection:leaked', (event) => leaks.push(event));
    await manager.run('acme', (em) => em.count(House));
    async function neverCommits(): Promise<void> {
      await manager.run('acme', async (em) => {
        await em.begin();
      });
    }
    await neverCommits();
    await until(async () => leaks.length > 0, 'nobody is told');
    expect(leaks).toEqual([
      { tenantId: 'acme', server: 'default', heldForMs: expect.any(Number), stack: expect.any(String) },
    ]);
    expect(leaks[0]?.heldForMs).toBeGreaterThanOrEqual(49);
    expect(leaks[0]?.stack).toContain('neverCommits');
    await manager.close({ timeoutMs: 10 });
  });
});
