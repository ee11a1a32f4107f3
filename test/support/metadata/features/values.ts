import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';
import type { Cases, Definition } from '../describeCases.ts';
import { Money, MoneyType } from '../Library.ts';

const Reading = defineEntity({
  name: 'Reading',
  properties: {
    id: p
      .uuid()
      .primary()
      .onCreate(() => randomUUID()),
    label: p.string(),
    taken: p.datetime(),
    day: p.date(),
    big: p.bigint(),
    exact: p.decimal().precision(20).scale(4),
    ratio: p.double(),
    state: p.enum(['new', 'done'] as const).nativeEnumName('reading_state'),
    numbers: p.array<number>(Number, String),
    free: p.json<{ deep: { list: number[]; at: string } }>(),
    bytes: p.blob(),
    paid: p.type(MoneyType),
    open: p.boolean().default(true),
    spent: p.interval().nullable(),
  },
});

const Seat = defineEntity({
  name: 'Seat',
  primaryKeys: ['row', 'column'],
  properties: {
    row: p.integer().primary(),
    column: p.string().primary(),
    label: p.string(),
    tickets: () => p.oneToMany(Ticket).mappedBy('seat'),
  },
});

const Ticket = defineEntity({
  name: 'Ticket',
  properties: {
    /** A primary key of a custom type, whose database form differs. */
    price: p.type(MoneyType).primary(),
    label: p.string(),
    seat: () => p.manyToOne(Seat).ref(),
  },
});

const model = { Reading, Seat, Ticket };

export const values: Definition<typeof model> = { orm: { entities: [Reading, Seat, Ticket] }, model };

export const valueCases: Cases<typeof model> = {
  'reads each type of value as it was written': async (_model, { em, tenant, others }) => {
    const written = {
      label: tenant,
      taken: new Date('2024-03-31T01:30:00.123Z'),
      day: '2024-02-29',
      big: 9_007_199_254_740_993n,
      exact: '1234567890123456.7891',
      ratio: 0.1,
      state: 'new' as const,
      numbers: [3, 1, 2],
      free: { deep: { list: [1, 2], at: '2024-01-01T00:00:00Z' } },
      bytes: Buffer.from(tenant),
      paid: new Money(123n, 'EUR'),
    };
    const { id } = em.create(Reading, written);
    await em.flush();
    await others();
    const read = await em.fork().findOneOrFail(Reading, id);
    expect({ ...read, bytes: Buffer.from(read.bytes) }).toMatchObject({ ...written, open: true });
    expect(await em.fork().count(Reading, { big: { $gt: 9_007_199_254_740_992n }, numbers: { $contains: [3] } })).toBe(
      1,
    );
    expect(await em.fork().count(Reading, { free: { deep: { at: '2024-01-01T00:00:00Z' } } })).toBe(1);
  },

  'writes only the value that was changed in place': async (_model, { em, tenant, others }) => {
    const reading = em.create(Reading, {
      label: tenant,
      taken: new Date(),
      day: '2024-02-29',
      big: 1n,
      exact: '1.0000',
      ratio: 1,
      state: 'new',
      numbers: [1],
      free: { deep: { list: [1], at: '' } },
      bytes: Buffer.from('a'),
      paid: new Money(1n, 'EUR'),
    });
    await em.flush();
    em.clear();
    const read = await em.findOneOrFail(Reading, reading.id);
    await others();
    read.free.deep.list.push(2);
    read.numbers.push(2);
    read.state = 'done';
    const unitOfWork = em.getUnitOfWork();
    unitOfWork.computeChangeSets();
    expect(Object.keys(unitOfWork.getChangeSets()[0]?.payload ?? {}).sort()).toEqual(['free', 'numbers', 'state']);
    await em.flush();
    expect(await em.fork().findOneOrFail(Reading, reading.id)).toMatchObject({
      numbers: [1, 2],
      free: { deep: { list: [1, 2] } },
      state: 'done',
    });
  },

  'finds by composite keys and by keys of a custom type': async (_model, { em, tenant, others }) => {
    const seat = em.create(Seat, { row: 1, column: 'a', label: tenant });
    em.create(Ticket, { price: new Money(500n, 'EUR'), label: tenant, seat });
    await em.flush();
    em.clear();
    await others();
    expect(await em.findOneOrFail(Seat, [1, 'a'])).toMatchObject({ label: tenant });
    const ticket = await em.findOneOrFail(Ticket, { price: new Money(500n, 'EUR') }, { populate: ['seat'] });
    expect(ticket.seat.$.label).toBe(tenant);
    expect(await em.findOne(Ticket, { price: new Money(500n, 'EUR') })).toBe(ticket);
    const [loaded] = await em.find(Seat, {}, { populate: ['tickets'] });
    expect(loaded?.tickets.getItems()).toEqual([ticket]);
    em.remove(ticket);
    await em.flush();
    expect(await em.fork().count(Ticket)).toBe(0);
  },
};
