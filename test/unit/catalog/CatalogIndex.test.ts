import { describe, expect, it } from '@jest/globals';
import { CatalogIndex } from '../../../src/catalog/CatalogIndex.ts';

describe('CatalogIndex', () => {
  it('knows the ids and domains that it was told of, and forgets those of a tenant that is gone', () => {
    const index = new CatalogIndex();
    index.apply({ id: 'acme', domains: ['acme.com', 'acme.org'] });
    index.apply({ id: 'globex', domains: [] });
    expect([index.size, index.has('acme'), index.idOf('acme.org')]).toEqual([2, true, 'acme']);
    index.apply({ id: 'acme', domains: ['acme.com'] });
    expect(index.idOf('acme.org')).toBeUndefined();
    index.apply({ id: 'acme', domains: undefined });
    expect([index.size, index.has('acme'), index.idOf('acme.com')]).toEqual([1, false, undefined]);
  });

  it.each([
    ['first', ['b', 'a']],
    ['last', ['a', 'b']],
  ])('follows a domain to another tenant that is told of %s', (_when, order) => {
    const index = new CatalogIndex();
    index.apply({ id: 'a', domains: ['shop.com'] });
    index.apply({ id: 'b', domains: [] });
    for (const id of order) {
      index.apply({ id, domains: id === 'b' ? ['shop.com'] : [] });
    }
    expect(index.idOf('shop.com')).toBe('b');
  });

  it('gives the ids that are gone when it is told of everything', () => {
    const index = new CatalogIndex();
    index.apply({ id: 'a', domains: ['a.com'] });
    index.apply({ id: 'b', domains: ['b.com'] });
    expect(index.replace([{ id: 'b', domains: ['b.org'] }])).toEqual(['a']);
    expect([index.size, index.idOf('a.com'), index.idOf('b.com'), index.idOf('b.org')]).toEqual([
      ...[1, undefined, undefined],
      'b',
    ]);
  });
});
