import { Migration } from '@mikro-orm/migrations';
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
  readonly #end = Promise.withResolvers<void>();
  readonly #held: Promise<void>[] = [];

  private constructor(world: LifeWorld, manager: LifeManager) {
    this.#world = world;
    this.manager = manager;
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
    const operated = new OperatedWorld(world, manager);
    await operated.#use('acme', 2);
    return operated;
  }

  /** Holds so many connections of the tenant until the end. */
  async #use(id: string, connections: number): Promise<void> {
    await Promise.all(
      Array.from({ length: connections }, async () => {
        const began = Promise.withResolvers<void>();
        const work = this.manager.run(id, (em) =>
          em.transactional(async (inner) => {
            await inner.execute('select 1');
            began.resolve();
            await this.#end.promise;
          }),
        );
        this.#held.push(work);
        await Promise.race([began.promise, work]);
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.resolve();
    await Promise.all(this.#held);
    await this.#world[Symbol.asyncDispose]();
  }
}
