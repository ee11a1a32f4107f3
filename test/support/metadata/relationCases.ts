import { expect } from '@jest/globals';
import { ref, unref, wrap } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Cases } from './describeCases.ts';
import type { Author, Book, RelationModel } from './Library.ts';

async function arrange(em: EntityManager, model: RelationModel, tenant: string): Promise<Author> {
  const publisher = em.create(model.Publisher, { name: `press of ${tenant}` });
  const [red, blue] = ['red', 'blue'].map((name) => em.create(model.Tag, { name: `${name} of ${tenant}` }));
  const profile = em.create(model.Profile, { bio: `bio of ${tenant}` });
  const author = em.create(model.Author, { name: `author of ${tenant}`, bornOn: '1970-02-01', profile });
  for (const title of ['first', 'second']) {
    em.create(model.Book, {
      title: `${title} of ${tenant}`,
      details: { pages: 7, formats: ['pdf', tenant] },
      publishedAt: new Date('2024-05-06T07:08:09Z'),
      author,
      publisher,
      tags: title === 'first' ? [red, blue] : [blue],
    } as never);
  }
  await em.flush();
  return author;
}

const titles = (books: Iterable<Book>): string[] => [...books].map(({ title }) => title).sort();

/** Relations of every kind; each definition style has them, the generated one included. */
export const relationCases: Cases<RelationModel> = {
  'loads relations by every strategy while other tenants are opened': async (model, { em, tenant, others }) => {
    const { id } = await arrange(em, model, tenant);
    await others();
    for (const strategy of ['select-in', 'joined', 'balanced'] as const) {
      const author = await em
        .fork()
        .findOneOrFail(model.Author, id, { populate: ['books.tags', 'books.publisher', 'profile'], strategy });
      expect(titles(author.books)).toEqual([`first of ${tenant}`, `second of ${tenant}`]);
      expect(author.books.getItems().map(({ publisher }) => unref(publisher)?.name)).toEqual([
        `press of ${tenant}`,
        `press of ${tenant}`,
      ]);
      expect(author.books.getItems().flatMap(({ tags }) => tags.getItems().map(({ name }) => name))).toHaveLength(3);
      expect(author.profile?.$?.bio).toBe(`bio of ${tenant}`);
      expect(author.bornOn).toBe('1970-02-01');
      expect(author.books[0]).toMatchObject({
        details: { pages: 7, formats: ['pdf', tenant] },
        publishedAt: new Date('2024-05-06T07:08:09Z'),
      });
    }
  },

  'writes a relation that was changed after the other tenants were opened': async (model, { em, tenant, others }) => {
    const { id } = await arrange(em, model, tenant);
    em.clear();
    const author = await em.findOneOrFail(model.Author, id, { populate: ['books'] });
    await others();
    const second = em.create(model.Author, { name: `heir of ${tenant}` });
    const [book] = author.books;
    (book as Book).author = ref(second);
    expect(titles(author.books)).toHaveLength(1);
    await em.flush();
    em.clear();
    const heir = await em.findOneOrFail(model.Author, second.id, { populate: ['books'] });
    expect(titles(heir.books)).toEqual([(book as Book).title]);
  },

  'loads a reference lazily from its own tenant': async (model, { em, tenant, others }) => {
    await arrange(em, model, tenant);
    em.clear();
    const book = await em.findOneOrFail(model.Book, { title: `first of ${tenant}` });
    expect(wrap(book.author.unwrap()).isInitialized()).toBe(false);
    await others();
    expect((await book.author.loadOrFail()).name).toBe(`author of ${tenant}`);
    const tags = await book.tags.loadItems();
    expect(tags.map(({ name }) => name).sort()).toEqual([`blue of ${tenant}`, `red of ${tenant}`]);
    expect(await book.tags.matching({ where: { name: { $like: 'red%' } } })).toHaveLength(1);
  },

  'adds to and removes from a many-to-many relation on both sides': async (model, { em, tenant, others }) => {
    await arrange(em, model, tenant);
    em.clear();
    const [first, second] = await em.find(model.Book, {}, { populate: ['tags'], orderBy: { title: 1 } });
    await others();
    first?.tags.removeAll();
    second?.tags.add(em.create(model.Tag, { name: `green of ${tenant}` }));
    await em.flush();
    em.clear();
    const tags = await em.find(model.Tag, {}, { populate: ['books'], orderBy: { name: 1 } });
    expect(tags.map(({ name, books }) => [name, books.length])).toEqual([
      [`blue of ${tenant}`, 1],
      [`green of ${tenant}`, 1],
      [`red of ${tenant}`, 0],
    ]);
    const [, , red] = tags;
    red?.books.add(em.getReference(model.Book, 1));
    await em.flush();
    expect(await em.fork().count(model.Book, { tags: { name: `red of ${tenant}` } })).toBe(1);
  },

  'follows a one-to-one relation from both sides': async (model, { em, tenant, others }) => {
    const { id } = await arrange(em, model, tenant);
    em.clear();
    const profile = await em.findOneOrFail(model.Profile, { author: { id } }, { populate: ['author'] });
    expect(unref(profile.author)?.name).toBe(`author of ${tenant}`);
    await others();
    const next = em.create(model.Profile, { bio: `next bio of ${tenant}` });
    const author = await em.findOneOrFail(model.Author, id, { populate: ['profile'] });
    author.profile = ref(next);
    expect(profile.author ?? null).toBeNull();
    await em.flush();
    em.clear();
    const again = await em.findOneOrFail(model.Author, id, { populate: ['profile'] });
    expect(again.profile?.$?.bio).toBe(`next bio of ${tenant}`);
  },

  'assigns and serializes a graph': async (model, { em, tenant, others }) => {
    const { id } = await arrange(em, model, tenant);
    await others();
    em.clear();
    const author = await em.findOneOrFail(model.Author, id, { populate: ['books'] });
    const books = [{ id: 1, title: `edited of ${tenant}` }, { id: 2 }];
    wrap(author).assign({ name: `renamed of ${tenant}`, books } as never, { updateByPrimaryKey: true });
    await em.flush();
    em.clear();
    const read = await em.findOneOrFail(model.Author, id, { populate: ['books'] });
    const plain = wrap(read).toObject() as { readonly name: string; readonly books: readonly { title: string }[] };
    expect(plain.name).toBe(`renamed of ${tenant}`);
    expect(plain.books.map(({ title }) => title).sort()).toEqual([`edited of ${tenant}`, `second of ${tenant}`]);
    expect(JSON.parse(JSON.stringify(read))).toMatchObject({ bornOn: '1970-02-01', name: `renamed of ${tenant}` });
  },

  'finds by raw SQL and by joins of the query builder': async (model, { em, tenant, others }) => {
    await arrange(em, model, tenant);
    await others();
    const rows = await em
      .createQueryBuilder(model.Book, 'b')
      .leftJoinAndSelect('b.author', 'a')
      .leftJoinAndSelect('b.tags', 't')
      .where({ 't.name': `red of ${tenant}` })
      .getResultList();
    expect(rows.map(({ title, author }) => [title, author.unwrap().name])).toEqual([
      [`first of ${tenant}`, `author of ${tenant}`],
    ]);
    expect(await em.execute('select current_database() as database')).toEqual([{ database: em.config.get('dbName') }]);
  },

  'removes and refreshes': async (model, { em, tenant, others }) => {
    const author = await arrange(em, model, tenant);
    await others();
    await em.nativeUpdate(model.Author, { id: author.id }, { name: `native of ${tenant}` });
    await em.refresh(author);
    expect(author.name).toBe(`native of ${tenant}`);
    const book = await em.findOneOrFail(model.Book, { title: `second of ${tenant}` });
    em.remove(book);
    await em.flush();
    expect(await em.fork().count(model.Book)).toBe(1);
    expect(await em.fork().nativeDelete(model.Book, { id: book.id })).toBe(0);
  },
};
