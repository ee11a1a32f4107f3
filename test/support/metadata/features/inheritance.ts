import { expect } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';
import type { Cases, Definition } from '../describeCases.ts';

const Base = defineEntity({
  name: 'Base',
  abstract: true,
  properties: {
    id: p.integer().primary(),
    createdAt: p.datetime().onCreate(() => new Date('2024-01-01T00:00:00Z')),
  },
});

const Garage = defineEntity({
  name: 'Garage',
  extends: Base,
  properties: { name: p.string(), vehicles: () => p.oneToMany(Vehicle).mappedBy('garage').orphanRemoval() },
});

const Vehicle = defineEntity({
  name: 'Vehicle',
  inheritance: 'tpt',
  extends: Base,
  properties: {
    plate: p.string(),
    garage: () => p.manyToOne(Garage).nullable(),
  },
});

const Car = defineEntity({ name: 'Car', extends: Vehicle, properties: { doors: p.integer() } });

const Truck = defineEntity({
  name: 'Truck',
  extends: Vehicle,
  properties: { load: p.decimal('number').precision(10).scale(2), partner: () => p.oneToOne(Car).owner().nullable() },
});

const Person = defineEntity({
  name: 'Person',
  extends: Base,
  discriminatorColumn: 'role',
  discriminatorValue: 'person',
  properties: {
    name: p.string(),
    role: p.enum(['person', 'boss', 'clerk']),
    team: () => p.oneToMany(Clerk).mappedBy('boss'),
  },
});

const Boss = defineEntity({
  name: 'Boss',
  extends: Person,
  discriminatorValue: 'boss',
  properties: { bonus: p.integer() },
});

const Clerk = defineEntity({
  name: 'Clerk',
  extends: Person,
  discriminatorValue: 'clerk',
  properties: { desk: p.string(), boss: () => p.manyToOne(Person).ref().nullable() },
});

const model = { Garage, Vehicle, Car, Truck, Person, Boss, Clerk };

export const inheritance: Definition<typeof model> = { orm: { entities: [Base, ...Object.values(model)] }, model };

export const inheritanceCases: Cases<typeof model> = {
  'keeps each class in a table of its own': async (_model, { em, tenant, others }) => {
    const garage = em.create(Garage, { id: 1, name: `garage of ${tenant}` });
    const car = em.create(Car, { id: 1, plate: `car of ${tenant}`, doors: 4, garage });
    await em.flush();
    em.create(Truck, { id: 2, plate: `truck of ${tenant}`, load: 7.5, garage, partner: car });
    await em.flush();
    em.clear();
    await others();
    const loaded = await em.findOneOrFail(Garage, 1, { populate: ['vehicles'] });
    const plates = loaded.vehicles.getItems().map((vehicle) => [vehicle.constructor, vehicle.plate]);
    expect(plates).toEqual(
      expect.arrayContaining([
        [Car.class, `car of ${tenant}`],
        [Truck.class, `truck of ${tenant}`],
      ]),
    );
    const truck = await em.findOneOrFail(Truck, 2, { populate: ['partner'] });
    expect(truck).toMatchObject({ load: 7.5, partner: { doors: 4 }, createdAt: new Date('2024-01-01T00:00:00Z') });
    truck.load = 8;
    truck.plate = `changed of ${tenant}`;
    await em.flush();
    expect(await em.execute('select plate, load::float from vehicle join truck using (id)')).toEqual([
      { plate: `changed of ${tenant}`, load: 8 },
    ]);
    truck.partner = null;
    loaded.vehicles.remove(truck);
    await em.flush();
    expect(await em.fork().count(Vehicle)).toBe(1);
  },

  'keeps all classes in one table, with relations among them': async (_model, { em, tenant, others }) => {
    const boss = em.create(Boss, { id: 1, name: `boss of ${tenant}`, bonus: 5 });
    em.create(Clerk, { id: 2, name: `clerk of ${tenant}`, desk: 'left', boss });
    await em.flush();
    em.clear();
    await others();
    const [first, second] = await em.find(Person, {}, { orderBy: { id: 1 } });
    expect([first?.constructor, second?.constructor]).toEqual([Boss.class, Clerk.class]);
    const clerk = await em.findOneOrFail(Clerk, 2, { populate: ['boss'] });
    expect(clerk.boss?.$.name).toBe(`boss of ${tenant}`);
    expect(clerk).toBe(second);
    clerk.desk = 'right';
    clerk.boss = null;
    await em.flush();
    expect(await em.fork().count(Clerk, { desk: 'right', boss: null })).toBe(1);
    expect(await em.fork().count(Boss)).toBe(1);
  },
};
