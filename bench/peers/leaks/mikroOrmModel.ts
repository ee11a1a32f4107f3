import { Collection, EntitySchema, Type } from '@mikro-orm/postgresql';

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

/** Entities that are new with each call: what one scenario does to their classes shall not reach the next. */
export function mikroOrmModel() {
  class Person {
    id!: number;
    name!: string;
    houses = new Collection<House>(this);
  }
  class House {
    id!: number;
    address!: string;
    grade!: string;
    owner!: Person | null;
    deed!: Deed | null;
  }
  class Deed {
    id!: number;
    number!: string;
    house!: House;
  }
  const entities = [
    new EntitySchema<Person>({
      class: Person,
      properties: {
        id: { type: 'integer', primary: true },
        name: { type: 'text' },
        houses: { kind: '1:m', entity: () => House, mappedBy: 'owner' },
      },
    }),
    new EntitySchema<House>({
      class: House,
      properties: {
        id: { type: 'integer', primary: true },
        address: { type: 'text' },
        grade: { type: GradeType },
        owner: { kind: 'm:1', entity: () => Person, inversedBy: 'houses', nullable: true },
        deed: { kind: '1:1', entity: () => Deed, mappedBy: 'house', nullable: true },
      },
    }),
    new EntitySchema<Deed>({
      class: Deed,
      properties: {
        id: { type: 'integer', primary: true },
        number: { type: 'text' },
        house: { kind: '1:1', entity: () => House, inversedBy: 'deed' },
      },
    }),
  ];
  return { Person, House, entities };
}

export type MikroOrmModel = ReturnType<typeof mikroOrmModel>;
