// The files in `generated-entities` are the output of @mikro-orm/entity-generator 7.1.11 (there is no newer one in the
// registry), run by hand on a database with the tables of this model: `orm.entityGenerator.generate({ save: true, path,
// esmImport: true })`, with a naming strategy that calls inverse sides `books`, `tags` and `author`. Afterwards `.js`
// became `.ts` in the imports, and `any` became `unknown`.
import { Author, AuthorSchema } from '../generated-entities/Author.ts';
import { Book, BookSchema } from '../generated-entities/Book.ts';
import { Profile, ProfileSchema } from '../generated-entities/Profile.ts';
import { Publisher, PublisherSchema } from '../generated-entities/Publisher.ts';
import { Tag, TagSchema } from '../generated-entities/Tag.ts';
import type { Definition } from './describeCases.ts';
import type { RelationModel } from './Library.ts';

export const relations: Definition<RelationModel> = {
  orm: { entities: [AuthorSchema, BookSchema, ProfileSchema, PublisherSchema, TagSchema] },
  model: { Publisher, Profile, Author, Book, Tag } as unknown as RelationModel,
};
