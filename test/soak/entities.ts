import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import { Migration } from '@mikro-orm/migrations';
import type { EntityManager } from '@mikro-orm/postgresql';

/** Primary keys are the same in every tenant, so that a row of another one would be taken for its own. */
export const House = defineEntity({
  name: 'House',
  properties: {
    id: p.integer().primary(),
    tenant: p.string(),
    balance: p.integer(),
    rooms: () => p.oneToMany(Room).mappedBy('house'),
  },
});
export type House = InferEntity<typeof House>;

export const Room = defineEntity({
  name: 'Room',
  properties: {
    id: p.integer().primary(),
    tenant: p.string(),
    text: p.string(),
    house: () => p.manyToOne(House).inversedBy('rooms'),
  },
});

export const HOUSES = 8;
/** So many of them are read by most requests. */
export const HOUSES_SEEN = 2;
export const ROOMS_PER_HOUSE = 3;

class Migration001Houses extends Migration {
  override up(): void {
    this.addSql('create table house (id int primary key, tenant text not null, balance int not null)');
    this.addSql(
      'create table room (id int primary key, tenant text not null, text text not null, house_id int not null references house)',
    );
    this.addSql('create table tally (tenant text primary key, changes int not null)');
  }
}

/** Touches a table that requests read and write all the time. */
class Migration002Note extends Migration {
  override up(): void {
    this.addSql('alter table house add column note text');
  }

  override down(): void {
    this.addSql('alter table house drop column note');
  }
}

class Migration003Index extends Migration {
  override up(): void {
    this.addSql('create index room_house on room (house_id)');
  }

  override down(): void {
    this.addSql('drop index room_house');
  }
}

export const MIGRATIONS = [Migration001Houses, Migration002Note, Migration003Index];

/** Every row says whose it is. */
export async function seedHouses(em: EntityManager, { id }: { readonly id: string }): Promise<void> {
  await em.execute('insert into house (id, tenant, balance) select n, ?, 0 from generate_series(1, ?) n', [id, HOUSES]);
  await em.execute(
    `insert into room (id, tenant, text, house_id)
       select n, ?, repeat('room ', 40), (n - 1) / ? + 1 from generate_series(1, ?) n`,
    [id, ROOMS_PER_HOUSE, HOUSES * ROOMS_PER_HOUSE],
  );
  await em.execute('insert into tally (tenant, changes) values (?, 0)', [id]);
}
