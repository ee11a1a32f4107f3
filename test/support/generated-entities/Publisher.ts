// Written by @mikro-orm/entity-generator 7.1.11; see generatedLibrary.ts.
// oxlint-disable import/no-cycle
import { Collection, defineEntity, p } from '@mikro-orm/core';
import { Book } from './Book.ts';

export class Publisher {
  id!: number;
  name!: string;
  books = new Collection<Book>(this);
}

export const PublisherSchema = defineEntity({
  class: Publisher,
  properties: {
    id: p.integer().primary(),
    name: p.string(),
    books: () => p.oneToMany(Book).mappedBy('publisher'),
  },
});
