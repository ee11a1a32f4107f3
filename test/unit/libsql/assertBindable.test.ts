import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { assertBindable } from '../../../src/libsql/assertBindable.ts';

const SURROGATE = fc.integer({ min: 0xd7ff, max: 0xe000 }).map((code) => String.fromCharCode(code));
const TEXT = fc
  .array(fc.oneof(SURROGATE, fc.constantFrom('\\', '"', 'u', 'ud800', '😀', 'a')), { maxLength: 8 })
  .map((all) => all.join(''));

/** As some libraries have it, which escape whatever is not ASCII. */
const escaped = (value: unknown): string =>
  JSON.stringify(value).replace(/[\u0080-\uffff]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);

describe('a parameter for libSQL', () => {
  it.each([
    [true, 'can only bind'],
    ['a\0b', 'NUL'],
    [JSON.stringify({ a: '\ud800' }), 'half a surrogate pair'],
    [JSON.stringify(['x\udc00']), 'half a surrogate pair'],
    [JSON.stringify('\ud800\ud800'), 'half a surrogate pair'],
    ['{"a":"\\uD83D\\n\\uDE00"}', 'half a surrogate pair'],
    ['{"a":"\\\\\\ud83d"}', 'half a surrogate pair'],
    ["  ['\\ud800']", 'half a surrogate pair'],
  ])('is not %j', (value, why) => {
    expect(() => assertBindable([1, value])).toThrow(TypeError);
    expect(() => assertBindable([1, value])).toThrow(why);
  });

  it.each([
    null,
    1,
    'a text that tells of \\ud800',
    '{"a":"\\ud83d\\ude00"}',
    '{"a":"\\\\ud800"}',
    JSON.stringify('😀'),
    Buffer.from([0]),
  ])('may be %j', (value) => {
    expect(() => assertBindable([value])).not.toThrow();
  });

  it('is a JSON as long as its texts are well-formed', () => {
    fc.assert(
      fc.property(fc.array(TEXT, { minLength: 1, maxLength: 3 }), (texts) => {
        const isWellFormed = texts.every((text) => text.isWellFormed());
        for (const json of [JSON.stringify(texts), escaped(texts)]) {
          const bind = () => assertBindable([json]);
          (isWellFormed ? expect(bind).not : expect(bind)).toThrow('half a surrogate pair');
        }
      }),
      { numRuns: 300 },
    );
  });
});
