// Written by @mikro-orm/entity-generator 7.1.11; see generatedLibrary.ts.
// oxlint-disable import/no-cycle
import { Collection, defineEntity, p, type Ref } from '@mikro-orm/core';
import { Author } from './Author.ts';
import { Publisher } from './Publisher.ts';
import { Tag } from './Tag.ts';

export class Book {
  id!: number;
  title!: string;
  details?: unknown;
  publishedAt?: Date;
  author!: Ref<Author>;
  publisher?: Ref<Publisher>;
  tags = new Collection<Tag>(this);
}

export const BookSchema = defineEntity({
  class: Book,
  properties: {
    id: p.integer().primary(),
    title: p.string(),
    details: p.json().nullable(),
    publishedAt: p.datetime().nullable(),
    author: () => p.manyToOne(Author).ref().updateRule('cascade').deleteRule('no action'),
    publisher: () => p.manyToOne(Publisher).ref().updateRule('cascade').nullable(),
    tags: () => p.manyToMany(Tag).pivotTable('book_tag').joinColumn('book_id').inverseJoinColumn('tag_id'),
  },
});
