// Written by @mikro-orm/entity-generator 7.1.11; see generatedLibrary.ts.
// oxlint-disable import/no-cycle
import { defineEntity, p, type Ref } from '@mikro-orm/core';
import { Author } from './Author.ts';

export class Profile {
  id!: number;
  bio!: string;
  author?: Ref<Author>;
}

export const ProfileSchema = defineEntity({
  class: Profile,
  properties: {
    id: p.integer().primary(),
    bio: p.string(),
    author: () => p.oneToOne(Author).ref().mappedBy('profile'),
  },
});
