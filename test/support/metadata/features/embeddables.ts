import { expect } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';
import type { Cases, Definition } from '../describeCases.ts';
import { Money, MoneyType } from '../Library.ts';

const Place = defineEntity({
  name: 'Place',
  embeddable: true,
  properties: { latitude: p.double(), longitude: p.double() },
});

const Site = defineEntity({
  name: 'Site',
  embeddable: true,
  properties: {
    street: p.string(),
    place: () => p.embedded(Place),
    rent: p.type(MoneyType).nullable(),
  },
});

const Contact = defineEntity({
  name: 'Contact',
  embeddable: true,
  abstract: true,
  discriminatorColumn: 'kind',
  properties: { kind: p.enum(['mail', 'phone']) },
});

const Mail = defineEntity({
  name: 'Mail',
  embeddable: true,
  extends: Contact,
  discriminatorValue: 'mail',
  properties: { address: p.string() },
});

const Phone = defineEntity({
  name: 'Phone',
  embeddable: true,
  extends: Contact,
  discriminatorValue: 'phone',
  properties: { number: p.string() },
});

const Company = defineEntity({
  name: 'Company',
  properties: {
    id: p.integer().primary(),
    name: p.string(),
    inline: () => p.embedded(Site).prefix('main_'),
    object: () => p.embedded(Site).object().nullable(),
    list: () => p.embedded(Site).array().default([]),
    contact: () => p.embedded([Mail, Phone]).nullable(),
  },
});

const model = { Company };

export const embeddables: Definition<typeof model> = {
  orm: { entities: [Company, Site, Place, Contact, Mail, Phone] },
  model,
};

const site = (street: string) => ({
  street,
  place: { latitude: 51.05, longitude: 3.72 },
  rent: new Money(5n, 'EUR'),
});

export const embeddableCases: Cases<typeof model> = {
  'keeps embeddables inline, as objects, in lists, and one inside the other': async (
    _model,
    { em, tenant, others },
  ) => {
    em.create(Company, {
      id: 1,
      name: tenant,
      inline: site(`inline of ${tenant}`),
      object: site(`object of ${tenant}`),
      list: [site(`first of ${tenant}`), site(`second of ${tenant}`)],
    } as never);
    await em.flush();
    em.clear();
    const company = await em.findOneOrFail(Company, 1);
    await others();
    expect(company.inline).toMatchObject(site(`inline of ${tenant}`));
    expect(company.object).toMatchObject(site(`object of ${tenant}`));
    expect(company.list).toMatchObject([site(`first of ${tenant}`), site(`second of ${tenant}`)]);
    company.inline.place.latitude = 1;
    company.list.pop();
    (company.object as NonNullable<typeof company.object>).rent = new Money(7n, 'USD');
    await em.flush();
    const read = await em.fork().findOneOrFail(Company, { inline: { place: { latitude: 1 } } });
    expect(read.list.map(({ street }) => street)).toEqual([`first of ${tenant}`]);
    expect(read.object?.rent).toEqual(new Money(7n, 'USD'));
    company.object = null;
    await em.flush();
    expect(await em.fork().count(Company, { object: null })).toBe(1);
  },

  'loads an embeddable of several kinds as its own': async (_model, { em, tenant, others }) => {
    for (const [id, contact] of [
      [1, { kind: 'mail', address: `${tenant}@example.com` }],
      [2, { kind: 'phone', number: '112' }],
    ] as const) {
      em.create(Company, { id, name: tenant, inline: site('a'), contact } as never);
    }
    await em.flush();
    em.clear();
    await others();
    const [first, second] = await em.find(Company, {}, { orderBy: { id: 1 } });
    expect(first?.contact).toMatchObject({ kind: 'mail', address: `${tenant}@example.com` });
    expect(second?.contact).toMatchObject({ kind: 'phone', number: '112' });
    expect(first?.contact).toBeInstanceOf(Mail.class);
    expect(second?.contact).toBeInstanceOf(Phone.class);
  },
};
