import { expect } from '@jest/globals';
import { defineEntity, LockMode, p, sql } from '@mikro-orm/core';
import type { Cases, Definition } from '../describeCases.ts';

const Customer = defineEntity({
  name: 'Customer',
  properties: {
    id: p.integer().primary(),
    code: p.string().unique(),
    name: p.string(),
    orders: () => p.oneToMany(Order).mappedBy('customer'),
    total: p
      .integer()
      .formula((c) => `(select coalesce(sum(o.amount), 0)::int from "order" o where o.customer_id = ${c['id']})`),
  },
});

const Order = defineEntity({
  name: 'Order',
  properties: {
    id: p.integer().primary(),
    amount: p.integer(),
    note: p.string().default(''),
    customer: () => p.manyToOne(Customer).ref(),
  },
});

const BigOrder = defineEntity({
  name: 'BigOrder',
  view: true,
  expression: 'select id, amount from "order" where amount >= 10',
  properties: { id: p.integer().primary(), amount: p.integer() },
});

const Turnover = defineEntity({
  name: 'Turnover',
  virtual: true,
  expression:
    'select c.name, sum(o.amount)::int as amount from customer c join "order" o on o.customer_id = c.id group by c.name',
  properties: { name: p.string(), amount: p.integer() },
});

const model = { Customer, Order, BigOrder, Turnover };

export const queries: Definition<typeof model> = { orm: { entities: Object.values(model) }, model };

type Round = Parameters<Cases<typeof model>[string]>[1];

async function arrange({ em, tenant }: Round): Promise<void> {
  const customer = em.create(Customer, { id: 1, code: 'one', name: tenant });
  for (const [id, amount] of [5, 10, 15].entries()) {
    em.create(Order, { id, amount, note: tenant, customer });
  }
  await em.flush();
  em.clear();
}

export const queryCases: Cases<typeof model> = {
  'reads formulas, views and virtual entities of its own tenant': async (_model, round) => {
    await arrange(round);
    const { em, tenant, others } = round;
    await others();
    expect((await em.findOneOrFail(Customer, 1)).total).toBe(30);
    expect((await em.find(BigOrder, {}, { orderBy: { id: 1 } })).map(({ amount }) => amount)).toEqual([10, 15]);
    expect(await em.find(Turnover, {})).toMatchObject([{ name: tenant, amount: 30 }]);
    expect(await em.count(Turnover)).toBe(1);
  },

  'inserts many, upserts, and writes natively': async (_model, round) => {
    await arrange(round);
    const { em, tenant, others } = round;
    await others();
    await em.insertMany(Customer, [
      { id: 2, code: 'two', name: tenant },
      { id: 3, code: 'three', name: tenant },
    ]);
    const one = await em.upsert(Customer, { id: 1, code: 'one', name: `upserted ${tenant}` });
    expect(await em.findOneOrFail(Customer, 1)).toBe(one);
    await em.upsertMany(
      Customer,
      [
        { id: 3, code: 'three', name: `upserted ${tenant}` },
        { id: 4, code: 'four', name: `upserted ${tenant}` },
      ],
      { onConflictFields: ['code'], onConflictAction: 'merge' },
    );
    expect(await em.fork().count(Customer, { name: `upserted ${tenant}` })).toBe(3);
    expect(await em.nativeUpdate(Order, { amount: { $gt: 5 } }, { amount: sql<number>`amount * 2` as never })).toBe(2);
    expect(await em.nativeDelete(Order, { amount: 5 })).toBe(1);
    expect((await em.fork().findOneOrFail(Customer, 1)).total).toBe(50);
  },

  'builds queries with joins, groups and sub-queries': async (_model, round) => {
    await arrange(round);
    const { em, tenant, others } = round;
    await others();
    const [customer] = await em
      .createQueryBuilder(Customer, 'c')
      .innerJoinAndSelect('c.orders', 'o', { 'o.amount': { $gte: 10 } })
      .where({ name: tenant })
      .orderBy({ 'o.amount': 'desc' })
      .getResultList();
    expect(customer?.orders.getItems().map(({ amount }) => amount)).toEqual([15, 10]);
    const grouped = await em
      .createQueryBuilder(Order, 'o')
      .select(['o.customer', sql`max(o.amount)`.as('highest')])
      .groupBy('o.customer')
      .execute<{ highest: number }[]>();
    expect(grouped).toMatchObject([{ highest: 15 }]);
    expect(await em.fork().qb(Order).where({ amount: 10 }).getCount()).toBe(1);
    const page = await em.fork().findByCursor(Order, { first: 2, orderBy: { amount: 1 } });
    expect({ total: page.totalCount, more: page.hasNextPage }).toEqual({ total: 3, more: true });
    const seen: number[] = [];
    for await (const { amount } of em.fork().stream(Order, { orderBy: { amount: 1 } })) {
      seen.push(amount);
    }
    expect(seen).toEqual([5, 10, 15]);
    const kysely = em.getKysely();
    expect(
      await kysely
        .selectFrom('customer' as never)
        .select('name' as never)
        .execute(),
    ).toEqual([{ name: tenant }]);
  },

  'nests transactions as savepoints': async (_model, round) => {
    await arrange(round);
    const { em, tenant, others } = round;
    await em.transactional(async (outer) => {
      outer.create(Customer, { id: 2, code: 'kept', name: tenant });
      await outer.flush();
      await others();
      const inner = outer.transactional(async (nested) => {
        nested.create(Customer, { id: 3, code: 'lost', name: tenant });
        await nested.flush();
        throw new Error('only the savepoint');
      });
      await expect(inner).rejects.toThrow('only the savepoint');
      await outer.findOneOrFail(Customer, 1, { lockMode: LockMode.PESSIMISTIC_WRITE });
    });
    expect((await em.fork().find(Customer, {}, { orderBy: { id: 1 } })).map(({ code }) => code)).toEqual([
      'one',
      'kept',
    ]);
    const failed = em.transactional(async (outer) => {
      outer.create(Customer, { id: 4, code: 'lost', name: tenant });
      await outer.flush();
      throw new Error('all of it');
    });
    await expect(failed).rejects.toThrow('all of it');
    expect(await em.fork().count(Customer)).toBe(2);
  },
};
