import { defineEntity, type InferEntity, p } from '@mikro-orm/core';

export const House = defineEntity({
  name: 'House',
  properties: {
    id: p.integer().primary(),
    address: p.string().length(200),
    description: p.text().default(''),
    createdAt: p.datetime().onCreate(() => new Date()),
    updatedAt: p
      .datetime()
      .onCreate(() => new Date())
      .onUpdate(() => new Date()),
  },
});

export type House = InferEntity<typeof House>;
