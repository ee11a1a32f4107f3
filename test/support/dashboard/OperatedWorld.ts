import { Migration } from '@mikro-orm/migrations';
import type { TenantLease } from 'mikro-orm-multitenancy';
import { type LifeManager, LifeWorld } from '../provisioning/LifeWorld.ts';
import { LIFE_MIGRATIONS } from '../provisioning/lifeOptions.ts';

/** Fails for one tenant. */
class Migration003Postcode extends Migration {
  override up(): void {
    this.addSql('alter table house add column postcode text');
    this.addSql(
      'do $$ begin if current_database() like \'%_hooli\' then raise exception \'column "postcode" of relation "house" already exists\'; end if; end $$',
    );
  }
}

/** Tenants in every state that somebody who operates them gets to see, each by what really leads to it. */
export class OperatedWorld implements AsyncDisposable {
  readonly manager: LifeManager;
  readonly #world: LifeWorld;
  readonly #leases: readonly TenantLease[];

  private constructor(world: LifeWorld, manager: LifeManager, leases: readonly TenantLease[]) {
    this.#world = world;
    this.manager = manager;
    this.#leases = leases;
  }

  static async create(): Promise<OperatedWorld> {
    const world = await LifeWorld.create();
    const manager = await world.manager({
      migrations: [...LIFE_MIGRATIONS, Migration003Postcode],
    });
    const before = await world.manager();
    for (const id of ['acme', 'globex', 'hooli', 'initech', 'umbrella', 'vandelay']) {
      await before.provision({ id, domains: [`${id}.com`] });
    }
    await manager.fleet.migrate({ ids: ['acme', 'hooli', 'initech'], by: 'release 2026.11' });
    await manager.suspend('umbrella');
    await manager.archive('vandelay');
    const broken = await world.manager({
      provisioning: {
        seed: () => Promise.reject(new Error('the price list is not there')),
      },
    });
    await broken.provision({ id: 'wayne', domains: ['wayne.com'] }, { onFailure: 'keep' }).catch(() => {});
    const leases = await Promise.all(['acme', 'globex'].map((id) => manager.acquire(id)));
    await Promise.all(leases.map((lease) => lease.run((em) => em.execute('select 1'))));
    return new OperatedWorld(world, manager, leases as unknown as TenantLease[]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const lease of this.#leases) {
      lease.release();
    }
    await this.#world[Symbol.asyncDispose]();
  }
}
