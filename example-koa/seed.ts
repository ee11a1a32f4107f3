import type { EntityManager } from '@mikro-orm/postgresql';
import type { Tenant } from 'mikro-orm-multitenancy';
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

/** What a new tenant begins with: its demo houses, if it is one of the demo. */
export function seedHouses(em: EntityManager, { id }: Tenant): void {
  for (const [address, description] of HOUSES[id] ?? []) {
    em.create(House, { address, description });
  }
}
