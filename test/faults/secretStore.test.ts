import { describe, expect, it } from '@jest/globals';
import { type SecretStore, TenantConnectionError } from 'mikro-orm-multitenancy';
import { House, until } from '../support/manager/TestTenants.ts';
import { type LifeManager, LifeWorld } from '../support/provisioning/LifeWorld.ts';
import { settlesWithin } from '../support/settlesWithin.ts';

/** A store that can be away, as a vault or the central database may be. */
class FaultyStore implements SecretStore {
  is: 'there' | 'away' | 'silent' = 'there';
  reads = 0;
  readonly #secrets = new Map<string, string>();

  async read(name: string): Promise<string | undefined> {
    this.reads += 1;
    if (this.is === 'silent') {
      await new Promise(() => {});
    }
    if (this.is === 'away') {
      throw Object.assign(new Error('connect ECONNREFUSED of hunter2'), { code: 'ECONNREFUSED' });
    }
    return this.#secrets.get(name);
  }

  async write(name: string, secret: string): Promise<void> {
    this.#secrets.set(name, secret);
  }

  async delete(name: string): Promise<void> {
    this.#secrets.delete(name);
  }
}

interface Faulty {
  readonly store: FaultyStore;
  /** Knows the secret of globex, and not that of acme. */
  readonly manager: LifeManager;
}

async function faulty(world: LifeWorld): Promise<Faulty> {
  const store = new FaultyStore();
  const before = await world.manager({ rolesOptions: { secrets: store } });
  await before.provision({ id: 'acme' });
  await before.provision({ id: 'globex' });
  await before.close();
  const manager = await world.manager({ rolesOptions: { secrets: store } });
  await count(manager, 'globex');
  return { store, manager };
}

const count = (manager: LifeManager, id: string): Promise<number> => manager.run(id, (em) => em.count(House));

/** On a connection that is new. */
async function countAnew(manager: LifeManager, id: string): Promise<number> {
  await manager.evict(id);
  return count(manager, id);
}

describe('a secret store that is away', () => {
  it('is told as 503, and is no matter of the server nor of a tenant whose secret is known', async () => {
    await using world = await LifeWorld.create({ hasRoles: true });
    const { store, manager } = await faulty(world);
    store.is = 'away';
    for (let n = 0; n < 4; n += 1) {
      const refusal: unknown = await count(manager, 'acme').catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(TenantConnectionError);
      expect(refusal).toMatchObject({ status: 503, tenantId: 'acme' });
      expect(String(refusal)).not.toContain('hunter2');
      await until(async () => manager.stats().servers['default']?.requests.opening === 0, 'it is still opened');
    }
    expect(manager.stats().servers['default']?.breakers).toMatchObject({ primary: 'closed' });
    expect(await countAnew(manager, 'globex')).toBe(0);
    store.is = 'there';
    await until(
      () =>
        count(manager, 'acme').then(
          () => true,
          () => false,
        ),
      'acme is not served again',
    );
  });

  it('and never answers, keeps no manager from closing', async () => {
    await using world = await LifeWorld.create({ hasRoles: true });
    const { store, manager } = await faulty(world);
    const { reads } = store;
    store.is = 'silent';
    const refused = expect(count(manager, 'acme')).rejects.toThrow('closed');
    await until(async () => store.reads > reads, 'it is not asked');
    await settlesWithin(1_000, manager.close({ timeoutMs: 100 }), 'closing the manager');
    await refused;
  });

  it('and never answers, is asked again by a later connection, and holds up no other tenant', async () => {
    await using world = await LifeWorld.create({ hasRoles: true });
    const { store, manager } = await faulty(world);
    store.is = 'silent';
    await expect(count(manager, 'acme')).rejects.toMatchObject({ status: 503 });
    expect(await countAnew(manager, 'globex')).toBe(0);
    store.is = 'there';
    await until(
      () =>
        count(manager, 'acme').then(
          () => true,
          () => false,
        ),
      'acme is not served again',
    );
  }, 30_000);
});
