import { PrismaPg } from '@prisma/adapter-pg';
import { type Prisma, PrismaClient } from '../generated/prisma/client.ts';
import { contextApp } from './contextApp.ts';
import type { Layer } from './Layer.ts';

/** Rows are plain values without an owner, nothing is loaded lazily or cached; extensions are functions, not instances. */
export const layer: Layer = {
  open: (options) =>
    contextApp<PrismaClient, Prisma.TransactionClient>(options, {
      open: async (connectionString) => new PrismaClient({ adapter: new PrismaPg({ connectionString, max: 4 }) }),
      close: (client) => client.$disconnect(),
      add: (client, name) => client.person.create({ data: { name } }),
      names: async (client) => (await client.person.findMany()).map(({ name }) => name),
      transaction: (client, work) => client.$transaction(work),
    }),
  specials: {},
};
