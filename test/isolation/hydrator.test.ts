import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Collection, type EntityManager, EntitySchema, Type } from '@mikro-orm/core';
import { PlainOrms } from '../support/isolation/PlainOrms.ts';
import { TenantDatabases } from '../support/isolation/TenantDatabases.ts';
import { TenantWorld } from '../support/isolation/TenantWorld.ts';

/** Reads a grade from A to F, and throws for a row that holds anything else. */
class GradeType extends Type<string, string> {
  override convertToJSValue(value: string): string {
    if (!/^[A-F]$/.test(value)) {
      throw new Error(`${value} is no grade`);
    }
    return value;
  }

  override getColumnType(): string {
    return 'text';
  }
}

function gradedEntities() {
  class Person {
    id!: number;
    houses = new Collection<House>(this);
  }
  class House {
    id!: number;
    grade!: string;
    owner!: Person;
  }
  const schemas = [
    new EntitySchema<Person>({
      class: Person,
      properties: {
        id: { type: 'integer', primary: true },
        houses: { kind: '1:m', entity: () => House, mappedBy: 'owner' },
      },
    }),
    new EntitySchema<House>({
      class: House,
      properties: {
        id: { type: 'integer', primary: true },
        grade: { type: GradeType },
        owner: { kind: 'm:1', entity: () => Person, inversedBy: 'houses' },
      },
    }),
  ];
  return { Person, House, schemas };
}

type Graded = ReturnType<typeof gradedEntities>;

/** The second house of globex is corrupt. */
const statements = (id: string): string[] => [
  'create table person (id serial primary key)',
  'create table house (id serial primary key, grade text not null, owner_id int not null references person)',
  'insert into person values (1), (2)',
  `insert into house (grade, owner_id) values ('A', 1), ('${id === 'globex' ? 'corrupt' : 'B'}', 1)`,
];

async function moveIn(em: EntityManager, { House, Person }: Graded): Promise<void> {
  const house = await em.findOneOrFail(House, 1);
  house.owner = await em.findOneOrFail(Person, 2);
  await em.flush();
}

const graded = gradedEntities();
const { House, Person } = graded;

/** Reads that meet the corrupt row at different depths of the hydration. */
const corruptReads: Record<string, (em: EntityManager) => Promise<unknown>> = {
  find: (em) => em.find(House, {}),
  'a joined collection': (em) => em.find(Person, {}, { populate: ['houses'], strategy: 'joined' }),
  'a selected collection': (em) => em.find(Person, {}, { populate: ['houses'], strategy: 'select-in' }),
  merge: async (em) => em.merge(House, { id: 2, grade: 'corrupt', owner: 1 } as never, { convertCustomTypes: true }),
};

describe('a corrupt row of globex', () => {
  it('makes plain MikroORM lose the relations that acme changes from then on', async () => {
    await using databases = await TenantDatabases.create(['acme', 'globex'], statements);
    await using plain = new PlainOrms(databases);
    const classes = gradedEntities();
    const acme = await plain.open('acme', { entities: classes.schemas });
    const globex = await plain.open('globex', { entities: classes.schemas });
    await moveIn(globex.em.fork(), classes);
    expect((await databases.dump(['house']))['globex']).toMatchObject({ house: [{ owner_id: 2 }, { owner_id: 1 }] });
    await expect(globex.em.fork().find(classes.House, {})).rejects.toThrow('no grade');
    await moveIn(acme.em.fork(), classes);
    expect((await databases.dump(['house']))['acme']).toMatchObject({ house: [{ owner_id: 1 }, { owner_id: 1 }] });
  });

  describe.each([
    { metadata: 'shared metadata', manager: {} },
    { metadata: 'metadata of each tenant', manager: { shareMetadata: false, warn: () => {} } },
  ])('with $metadata', ({ manager }) => {
    let world: TenantWorld;
    beforeAll(async () => {
      world = await TenantWorld.create({ statements, orm: { entities: graded.schemas }, manager });
    });
    beforeEach(async () => {
      for (const id of ['acme', 'globex']) {
        await world.manager.run(id, (em) => em.execute('update house set owner_id = 1'));
      }
    });
    afterEach(() => world.assertNothingHeld());
    afterAll(() => world[Symbol.asyncDispose]());

    it.each(Object.keys(corruptReads))('fails its reader by %s, and nobody else', async (name) => {
      await world.manager.run('acme', async () => {});
      await expect(world.manager.run('globex', (em) => corruptReads[name]?.(em))).rejects.toThrow('no grade');
      for (const id of ['acme', 'globex']) {
        await world.manager.run(id, (em) => moveIn(em, graded));
      }
      const moved = { house: [{ id: 1, owner_id: 2 }, { owner_id: 1 }] };
      expect(await world.databases.dump(['house'])).toMatchObject({ acme: moved, globex: moved });
    });

    it('changes nothing for a run of acme that is in the middle of its work', async () => {
      await world.manager.run('acme', async (em) => {
        const house = await em.findOneOrFail(House, 1);
        const person = await em.findOneOrFail(Person, 2, { populate: ['houses'] });
        await expect(world.manager.run('globex', (inner) => inner.find(House, {}))).rejects.toThrow('no grade');
        house.owner = person;
        await em.flush();
      });
      const { acme } = await world.databases.dump(['house']);
      expect(acme).toMatchObject({ house: [{ id: 1, owner_id: 2 }, { id: 2 }] });
    });
  });
});
