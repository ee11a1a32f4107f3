import { defineEntity, type InferEntity, p } from '@mikro-orm/core';

/** What a customer pays for. One table for all of them, in the central database. */
export const Plan = defineEntity({
  name: 'Plan',
  properties: {
    id: p.string().length(20).primary(),
    title: p.string().length(60),
    houses: p.integer(),
  },
});

export type Plan = InferEntity<typeof Plan>;
