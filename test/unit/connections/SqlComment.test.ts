import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type SqlCommentFields, sqlComment } from '../../../src/connections/SqlComment.ts';

const of = { tenantId: 'acme', server: 'default' };
const commentWith = (fields: SqlCommentFields): string => sqlComment(() => fields, of)?.() ?? '';

describe('an SQL comment', () => {
  it('is not there unless it is asked for', () => {
    expect(sqlComment(undefined, of)).toBeUndefined();
    expect(sqlComment(false, of)).toBeUndefined();
  });

  it('names the tenant', () => {
    expect(sqlComment(true, of)?.()).toBe("\n/*tenant='acme'*/");
  });

  it('has its keys in order, and leaves out what has no value', () => {
    expect(commentWith({ traceparent: '00-ab-cd-01', route: '/houses/:id', db_driver: undefined, empty: '' })).toBe(
      "\n/*route='%2Fhouses%2F%3Aid',tenant='acme',traceparent='00-ab-cd-01'*/",
    );
  });

  it('says whose connection it is, whatever a field says', () => {
    expect(commentWith({ tenant: 'globex' })).toBe("\n/*tenant='acme'*/");
  });

  it('is told the tenant and the server', () => {
    const seen: unknown[] = [];
    sqlComment((about) => {
      seen.push(about);
      return {};
    }, of)?.();
    expect(seen).toEqual([of]);
  });

  it('cannot be ended, begun anew or broken by what is in it', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      // Halves of characters too, of which no URL can be made.
      fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) }),
      fc.constantFrom('*/ drop table house; --', "'/*", "a'b\\'", '$1', '?', '\0', '\n--', '%27*/'),
    );
    fc.assert(
      fc.property(fc.dictionary(text, text), (fields) => {
        const comment = commentWith(fields);
        expect(comment.startsWith('\n/*')).toBe(true);
        expect(comment.endsWith('*/')).toBe(true);
        const inside = comment.slice(3, -2);
        expect(inside).toMatch(/^(?:[A-Za-z0-9%._~-]*='[A-Za-z0-9%._~-]+'(?:,|$))+$/);
      }),
    );
  });

  it('gives back what was put in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (value) => {
        const [, encoded = ''] = /field='([^']*)'/.exec(commentWith({ field: value })) ?? [];
        expect(decodeURIComponent(encoded)).toBe(value);
      }),
    );
  });
});
