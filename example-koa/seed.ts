import type { EntityManager } from '@mikro-orm/postgresql';
import { House } from './entities/House.ts';

type NewHouse = readonly [address: string, description: string];

const HOUSES: Readonly<Record<string, readonly NewHouse[]>> = {
  acme: [
    ['1 Desert Road, Monument Valley', 'Cliff-top view. Beware of falling anvils.'],
    ['7 Tunnel Lane, Painted Rock', 'The garage door is only painted on.'],
  ],
  globex: [
    ['12 Cypress Creek Drive', 'Company house with a hammock district next door.'],
    ['742 Evergreen Terrace', 'Four bedrooms, one owner, many repairs.'],
    ['1 Volcano Lair', 'Sea view, monorail, sharks included.'],
  ],
  initech: [['4120 Freidrich Lane, Austin', 'Thin walls. You hear what the neighbours do.']],
};

/** Gives a tenant its demo houses, unless it has any house. */
export async function seedHouses(em: EntityManager, tenantId: string): Promise<void> {
  await em.transactional(async (em) => {
    // Two servers may start at once; the second one waits here and then finds the houses of the first.
    await em.execute('lock table "house" in exclusive mode');
    if ((await em.count(House)) === 0) {
      for (const [address, description] of HOUSES[tenantId] ?? []) {
        em.create(House, { address, description });
      }
    }
  });
}
