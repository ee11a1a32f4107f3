import { expect } from '@jest/globals';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { WrongTenantError } from 'mikro-orm-multitenancy';
import { type Deed, House, type Person, type Room, type Tag } from './entities.ts';
import type { TenantWorld } from './TenantWorld.ts';

/** Entities of one tenant, loaded in its run. */
export interface Loaded {
  readonly person: Person;
  readonly house: House;
  readonly room: Room;
  readonly tag: Tag;
  readonly deed: Deed;
}

/** Loads the row `id` of each table with its relations. */
export async function load(em: SqlEntityManager, id: number): Promise<Loaded> {
  const house = await em.findOneOrFail(House, id, { populate: ['*'] });
  const [person, room, tag] = [house.owner, house.rooms[0], house.tags[0]];
  if (person == null || room === undefined || tag === undefined || house.deed == null) {
    throw new Error(`The seed has no complete house ${id}`);
  }
  return { person, house, room, tag, deed: house.deed };
}

/** What code of one tenant does with an entity of another, before it flushes. */
export type Attempt<F> = (em: SqlEntityManager, foreign: F, own: Loaded) => unknown;

/**
 * Expects that `attempt` in acme, or the flush after it, is refused, and that nothing is written in either database.
 * `prepare` makes the foreign entity in a run of globex, which goes on meanwhile.
 */
export async function expectRefused<F>(
  world: TenantWorld,
  prepare: (em: SqlEntityManager) => F | Promise<F>,
  attempt: Attempt<F>,
): Promise<void> {
  const before = await world.databases.dump();
  const refusals: string[] = [];
  const listener = ({ ownerTenantId }: { readonly ownerTenantId: string }) => refusals.push(ownerTenantId);
  world.manager.events.on('tenant:wrong-entity', listener);
  const refused = world.manager.run('globex', async (globex) => {
    const foreign = await prepare(globex);
    return world.manager.run('acme', async (em) => {
      const own = await load(em, 1);
      await attempt(em, foreign, own);
      await em.flush();
    });
  });
  try {
    await expect(refused).rejects.toThrow(WrongTenantError);
    expect(refusals).toEqual(expect.arrayContaining(['globex']));
    expect(await world.databases.dump()).toEqual(before);
  } catch (error) {
    // What was written nevertheless must not fail the tests that follow.
    await world.databases.reset();
    throw error;
  } finally {
    world.manager.events.off('tenant:wrong-entity', listener);
  }
}
