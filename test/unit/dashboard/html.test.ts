import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { html } from '../../../src/dashboard/html.ts';
import { shownError } from '../../../src/dashboard/parts/shownError.ts';

describe('the template for HTML', () => {
  it('escapes every value, wherever it stands', () => {
    const hostile = `"><script>alert('&')</script>`;
    expect(html`<a title="${hostile}">${hostile}</a>`.text).toBe(
      '<a title="&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;">&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;</a>',
    );
  });

  it('leaves no text that could begin a tag, end an attribute or turn the order of reading around', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(html`${text}`.text).not.toMatch(/[<>"']|(?![\t\n\r])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
  });

  it('takes what is HTML already as it is, and lists of it, and nothing that only looks like it', () => {
    const items = ['<1>', '<2>'].map((one) => html`<li>${one}</li>`);
    expect(html`<ul>${items}</ul>${undefined}${0}`.text).toBe('<ul><li>&lt;1&gt;</li><li>&lt;2&gt;</li></ul>0');
    expect(html`${{ text: '<b>' } as never}`.text).not.toContain('<b>');
  });
});

describe('an error that is shown', () => {
  it('has no address in it, which may have a password', () => {
    expect(
      shownError('connect to postgresql://app:secret@db1:5432/acme failed, see https://user:pw@example.com/x'),
    ).toBe('connect to postgresql://… failed, see https://…');
  });
});
