import { type EventArgs, type EventSubscriber, type Options, type SqlEntityManager, wrap } from '@mikro-orm/postgresql';
import { type RemoteCacheServer, remoteCacheOver } from '../../../test/support/isolation/RemoteCache.ts';
import type { App, AppOptions, Specials } from './Layer.ts';
import { type MikroOrmModel, mikroOrmModel } from './mikroOrmModel.ts';
import { leakOf } from './SharedStore.ts';
import type { World } from './World.ts';

export interface MikroOrmApp extends App {
  /** A request of the tenant, with the EntityManager that it has. */
  request<R>(tenant: string, work: (em: SqlEntityManager) => Promise<R>): Promise<R>;
}

export type OpenMikroOrmApp = (
  options: AppOptions,
  orm: Pick<Options, 'subscribers' | 'resultCache'> & { readonly model: MikroOrmModel },
) => Promise<MikroOrmApp>;

/** The same code for plain MikroORM and for ours; how an application is opened is all that differs. */
export function mikroOrmSpecials(open: OpenMikroOrmApp): Specials {
  /** A scenario with an application and a model of its own. */
  const within =
    (
      attempt: (app: MikroOrmApp, model: MikroOrmModel, world: World) => Promise<string | undefined>,
      orm: () => Pick<Options, 'subscribers' | 'resultCache'> = () => ({}),
    ) =>
    async (world: World): Promise<string | undefined> => {
      const model = mikroOrmModel();
      const app = await open(world.options, { ...orm(), model });
      try {
        return await attempt(app, model, world);
      } finally {
        await app.close();
      }
    };

  return {
    foreignSave: within(async (app, { Person }, world) => {
      const person = await app.request('acme', (em) => em.findOneOrFail(Person, 1));
      person.name = 'acme 1, renamed';
      await app.request('globex', async (em) => em.persist(person).flush()).catch(() => {});
      const [name] = await world.names('globex');
      return name === 'globex 1' ? undefined : `the row of globex with its key is now "${name}"`;
    }),
    foreignRelation: within(async (app, { Person, House }, world) => {
      const foreign = await app.request('acme', (em) => em.findOneOrFail(Person, 3));
      const work = app.request('globex', async (em) => {
        const house = await em.findOneOrFail(House, 1);
        house.owner = foreign;
        await em.flush();
      });
      await work.catch(() => {});
      const [row] = await world.query<{ owner_id: number }>('globex', 'select owner_id from house where id = 1');
      return row?.owner_id === 1 ? undefined : 'the house of globex belongs to the key of a person of acme';
    }),
    lazyRelation: within(async (app, { House }) => {
      const house = await app.request('acme', (em) => em.findOneOrFail(House, 1));
      const owner = await app.request('globex', async () => house.owner && wrap(house.owner).init());
      return owner?.name === 'acme 1' ? undefined : `loads "${owner?.name}"`;
    }),
    sharedClasses: within(async (app, { House }, world) => {
      for (const tenant of ['acme', 'globex', 'initech']) {
        await app.request(tenant, (em) => em.find(House, {}));
      }
      const before = await world.writers('acme');
      await app.request('acme', async (em) => {
        await em.find(House, {});
        await em.flush();
      });
      return before === (await world.writers('acme')) ? undefined : 'rows were written that nobody changed';
    }),
    corruptRow: within(async (app, { House, Person }, world) => {
      await world.query('globex', "update house set grade = 'corrupt' where id = 2");
      await app.request('acme', (em) => em.find(House, {}));
      const failed = await app
        .request('globex', (em) => em.find(House, {}))
        .then(
          () => false,
          () => true,
        );
      await app.request('acme', async (em) => {
        const house = await em.findOneOrFail(House, 1);
        house.owner = await em.findOneOrFail(Person, 2);
        await em.flush();
      });
      const [row] = await world.query<{ owner_id: number }>('acme', 'select owner_id from house where id = 1');
      if (!failed) {
        throw new Error('The corrupt row did not fail its reader');
      }
      return row?.owner_id === 2 ? undefined : "acme's change is lost without an error";
    }),
    resultCache: within(
      (app, { Person }) =>
        leakOf((tenant) =>
          app.request(tenant, async (em) => (await em.findOneOrFail(Person, 1, { cache: 60_000 })).name),
        ),
      () => ({ resultCache: { adapter: remoteCacheOver({ entries: new Map(), clients: 0 } as RemoteCacheServer) } }),
    ),
    async subscribers(world) {
      const log: string[] = [];
      class Remembering implements EventSubscriber {
        readonly #seen: string[] = [];

        afterCreate({ entity }: EventArgs<{ name: string }>): void {
          this.#seen.push(entity.name);
          log.push(this.#seen.join(', '));
        }
      }
      const attempt = within(
        async (app, { Person }) => {
          for (const tenant of ['acme', 'globex']) {
            await app.request(tenant, async (em) => em.persist(em.create(Person, { name: tenant })).flush());
          }
          return log.join('; ') === 'acme; globex' ? undefined : `the subscriber of globex has seen "${log.at(-1)}"`;
        },
        () => ({ subscribers: [Remembering] }),
      );
      return attempt(world);
    },
  };
}
