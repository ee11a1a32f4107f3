import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Cascade, Collection, EntitySchema } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { WrongTenantError } from 'mikro-orm-multitenancy';
import { entities, House, Person, schema, seed, Tag } from '../support/isolation/entities.ts';
import { TenantWorld } from '../support/isolation/TenantWorld.ts';

/** Its collection is followed by no cascade, so that no unit of work hears of the tags before it writes them. */
class Album {
  id!: number;
  name!: string;
  tags = new Collection<Tag>(this);
  /** Another cascade than the one that follows what is persisted. */
  owner?: Person;
}

const AlbumSchema = new EntitySchema<Album>({
  class: Album,
  tableName: 'album',
  properties: {
    id: { type: 'integer', primary: true },
    name: { type: 'text' },
    tags: { kind: 'm:n', entity: () => Tag, cascade: [], pivotTable: 'album_tags' },
    owner: { kind: 'm:1', entity: () => Person, nullable: true, cascade: [Cascade.REMOVE] },
  },
});

const albums = [
  'create table album (id serial primary key, name text not null, owner_id int references person)',
  'create table album_tags (album_id int references album, tag_id int references tag, primary key (album_id, tag_id))',
  "insert into album (name, owner_id) values ('first', 1)",
];

describe('an entity that no cascade reaches', () => {
  let world: TenantWorld;
  beforeAll(async () => {
    world = await TenantWorld.create({
      statements: (id) => [...schema, ...seed(id), ...albums],
      orm: { entities: [...entities, AlbumSchema] },
    });
  });
  afterEach(() => world.assertNothingHeld());
  afterAll(() => world[Symbol.asyncDispose]());

  const made = <E>(make: (em: SqlEntityManager) => E | Promise<E>): Promise<E> =>
    world.manager.run('globex', async (em) => make(em));

  it('is refused in a collection of another tenant', async () => {
    const foreign = await made((em) => em.findOneOrFail(Tag, 1));
    await world.manager.run('acme', async (em) => {
      const album = await em.findOneOrFail(Album, 1, { populate: ['tags'] });
      album.tags.add(foreign);
      world.forgetStatements();
      await expect(em.flush()).rejects.toThrow(WrongTenantError);
      expect(world.writes).toEqual([]);
    });
  });

  it('is refused where it has the key of the own one, whatever else is cascaded', async () => {
    const foreign = await made((em) => em.findOneOrFail(Person, 1));
    await world.manager.run('acme', async (em) => {
      const album = await em.findOneOrFail(Album, 1, { populate: ['owner'] });
      expect(album.owner?.id).toBe(foreign.id);
      album.owner = foreign;
      await expect(em.flush()).rejects.toThrow(WrongTenantError);
    });
  });

  it('is refused in a run of a tenant inside of another run of it', async () => {
    const foreign = await made((em) => em.findOneOrFail(Tag, 1));
    await world.manager.run('acme', () =>
      world.manager.run('acme', async (em) => {
        expect(() => em.getUnitOfWork(false).persist(foreign)).toThrow(WrongTenantError);
      }),
    );
  });

  it('is written in a collection of its own tenant', async () => {
    await world.manager.run('acme', async (em) => {
      const album = await em.findOneOrFail(Album, 1, { populate: ['tags'] });
      album.tags.add(await em.findOneOrFail(Tag, 2));
      await em.flush();
    });
    const found = await world.manager.run('acme', (em) => em.findOneOrFail(Album, 1, { populate: ['tags'] }));
    expect(found.tags.getItems().map(({ name }) => name)).toEqual(['acme tag 2']);
  });

  it('belongs to the tenant in which what refers to it was made, without being persisted', async () => {
    const tag = await made((em) => {
      const { tags } = em.create(Album, { name: 'new', tags: [{ name: 'new' }] } as never, { persist: false });
      return tags[0] as Tag;
    });
    await world.manager.run('acme', (em) => expect(() => em.persist(tag)).toThrow(WrongTenantError));
    const owner = await world.manager.run('globex', (em) => {
      const house = em.create(House, { address: 'new', owner: { name: 'new' } } as never, { persist: false });
      return house.owner as Person;
    });
    owner.houses.removeAll();
    await world.manager.run('acme', (em) => expect(() => em.persist(owner)).toThrow(WrongTenantError));
  });
});

describe('an entity that nobody owns yet', () => {
  let world: TenantWorld;
  beforeAll(async () => {
    world = await TenantWorld.create();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it('is taken as data and as a relation, and belongs to the tenant from then on', async () => {
    const person = Object.assign(new Person(), { name: 'new' });
    const agent = Object.assign(new Person(), { name: 'another' });
    await world.manager.run('acme', async (em) => {
      const house = em.create(House, { address: 'new', facts: {}, listedAt: new Date(0), owner: person });
      house.agent = agent;
      em.persist(agent);
      await em.flush();
      expect(house.owner === person && house.agent === agent).toBe(true);
    });
    await world.manager.run('globex', (em) => expect(() => em.persist(person)).toThrow(WrongTenantError));
    await world.databases.reset();
  });

  it('is no orphan where there was none', async () => {
    await world.manager.run('acme', async (em) => {
      for (const nobody of [undefined, null]) {
        em.getUnitOfWork().scheduleOrphanRemoval(nobody as undefined);
      }
      await em.flush();
    });
  });
});
