import { defineEntity, p } from '@mikro-orm/core';
import type { MikroORM, Options } from '@mikro-orm/postgresql';
import type { Peers } from './Clause.ts';

/** Two entities, as classes that no other ORM has decorated. */
export function subjects() {
  const OwnerSchema = defineEntity({
    name: 'Owner',
    properties: { id: p.integer().primary(), name: p.string(), houses: () => p.oneToMany(House).mappedBy('owner') },
  });
  class Owner extends OwnerSchema.class {}
  OwnerSchema.setClass(Owner);

  const HouseSchema = defineEntity({
    name: 'House',
    properties: {
      id: p.integer().primary(),
      address: p.string(),
      owner: () => p.manyToOne(Owner).nullable().inversedBy('houses'),
    },
  });
  class House extends HouseSchema.class {}
  HouseSchema.setClass(House);
  return { House, Owner };
}

/** An ORM over entities of its own, which throws where it would connect. */
export function unconnected({ postgresql }: Peers, options: Options = {}) {
  const entities = subjects();
  const orm: MikroORM = new postgresql.MikroORM({ ...NO_DATABASE, entities: Object.values(entities), ...options });
  return { orm, ...entities };
}

export const NO_DATABASE: Options = {
  dbName: 'contract',
  ensureDatabase: false,
  driverOptions: () => {
    throw new Error('it connects');
  },
};

/** The same in the database of the contract, with its tables; closed after `work`. */
export async function connected<R>(
  peers: Peers,
  work: (over: ReturnType<typeof unconnected>) => Promise<R>,
  options: Options = {},
): Promise<R> {
  const over = unconnected(peers, {
    clientUrl: peers.databaseUrl,
    dbName: new URL(peers.databaseUrl).pathname.slice(1),
    driverOptions: {},
    ...options,
  });
  try {
    await over.orm.schema.update();
    return await work(over);
  } finally {
    await over.orm.close();
  }
}
