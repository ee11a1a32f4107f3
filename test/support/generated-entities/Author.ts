// Written by @mikro-orm/entity-generator 7.1.11; see generatedLibrary.ts.
// oxlint-disable import/no-cycle
import { Collection, defineEntity, p, type Ref } from '@mikro-orm/core';
import { Book } from './Book.ts';
import { Profile } from './Profile.ts';

export class Author {
  id!: number;
  name!: string;
  bornOn?: string;
  profile?: Ref<Profile>;
  books = new Collection<Book>(this);
}

export const AuthorSchema = defineEntity({
  class: Author,
  properties: {
    id: p.integer().primary(),
    name: p.string(),
    bornOn: p.date().nullable(),
    profile: () => p.oneToOne(Profile).ref().updateRule('cascade').nullable().unique('author_profile_id_key'),
    books: () => p.oneToMany(Book).mappedBy('author'),
  },
});
