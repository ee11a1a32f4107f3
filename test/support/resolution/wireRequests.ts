import fc from 'fast-check';
import type { WireRequest } from './strictReference.ts';

/** The tenants of the fuzzing, with their domains. */
export const TENANTS: Readonly<Record<string, readonly string[]>> = {
  acme: ['acme.com'],
  globex: ['globex.com', 'shop.globex.org'],
  a: [],
  'x--1_y': [],
};

export const BASE_DOMAIN = 'example.com';

const IDS = [...Object.keys(TENANTS), 'nobody', 'www', 'example'];
const HOSTS = [
  ...IDS.map((id) => `${id}.${BASE_DOMAIN}`),
  ...Object.values(TENANTS).flat(),
  ...['www.acme.com', 'www.www.acme.com', 'www.com', BASE_DOMAIN, `www.${BASE_DOMAIN}`, 'b.acme.example.com'],
  ...['127.0.0.1', '10.0.0.1', '[::1]', '[::ffff:10.0.0.1]', 'localhost', 'internal', 'ACME.Example.COM'],
];
/** What is inserted where it does not belong. Latin-1, without the ends of lines. */
const NASTY = [
  ...[
    '.',
    '..',
    ':',
    ':0',
    ':80',
    ':65536',
    ':080',
    '@',
    ',',
    ', ',
    ';',
    '=',
    '"',
    '\\',
    '/',
    '//',
    '?',
    '#',
    '&',
    '%',
  ],
  ...[
    '%2e',
    '%2f',
    '%5c',
    '%00',
    '%zz',
    '%61',
    '[',
    ']',
    '[::',
    ' ',
    '\t',
    '-',
    '_',
    '0',
    'x',
    '0x7f',
    'www.',
    'acme.',
  ],
  ...[
    '\u00a0',
    '\u00ad',
    '\u00e9',
    '\u00b5',
    '\u00df',
    '\u0080',
    '*',
    '+',
    '~',
    '`',
    '|',
    '<',
    '^',
    'xn--',
    'a'.repeat(64),
  ],
];

/** `base` as it is, or with a few characters put in, taken out or made upper case. */
function nearly(base: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const edit = fc.record({
    at: fc.nat(60),
    what: fc.oneof(fc.constantFrom(...NASTY), fc.constant(undefined), fc.constant(null)),
  });
  const edited = fc.tuple(base, fc.array(edit, { minLength: 1, maxLength: 3 })).map(([text, edits]) =>
    edits.reduce((before, { at, what }) => {
      const index = at % (before.length + 1);
      if (what === null) {
        return before.replace(/[a-z]/g, (letter) => letter.toUpperCase());
      }
      return before.slice(0, index) + (what ?? '') + before.slice(what === undefined ? index + 1 : index);
    }, text),
  );
  return fc.oneof({ weight: 2, arbitrary: base }, { weight: 3, arbitrary: edited });
}

/** A line that is sent on the wire: Latin-1, with no end of a line in it. */
const anything = fc
  .string({ unit: 'binary', maxLength: 20 })
  .map((text) => text.replace(/[^\t\u0020-\u007e\u0080-\u00ff]/g, ''));

const line = (base: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof({ weight: 12, arbitrary: nearly(base) }, { weight: 1, arbitrary: anything });

const lines = (base: fc.Arbitrary<string>): fc.Arbitrary<string[]> =>
  fc.oneof(
    { weight: 5, arbitrary: fc.constant<string[]>([]) },
    { weight: 6, arbitrary: line(base).map((value) => [value]) },
    { weight: 1, arbitrary: fc.array(line(base), { minLength: 2, maxLength: 3 }) },
  );

const id = fc.constantFrom(...IDS);
const host = fc
  .tuple(fc.constantFrom(...HOSTS), fc.constantFrom('', '', '', '.', ':80', ':65535', '.:8080'))
  .map(([name, end]) => name + end);
const node = fc.constantFrom(
  '1.1.1.1',
  '10.0.0.2',
  '127.0.0.1:80',
  '"[::1]"',
  '"[fd00::1]:80"',
  'unknown',
  '_x',
  '"10.1.2.3:4"',
);
const element = fc
  .tuple(fc.option(node), fc.option(host), fc.boolean())
  .map(([from, name, isQuoted]) =>
    [
      ...(from === null ? [] : [`for=${from}`]),
      ...(name === null ? [] : [`host=${isQuoted || name.includes(':') || name.includes('[') ? `"${name}"` : name}`]),
      'proto=https',
    ].join(';'),
  );

const path = fc.oneof(
  fc.constantFrom('/', '/houses', '/t', '/t/', '/tt/acme'),
  id.map((name) => `/t/${name}`),
  id.map((name) => `/t/${name}/houses/1`),
);
const query = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  { weight: 2, arbitrary: id.map((name) => `?tenant=${name}`) },
  { weight: 1, arbitrary: id.map((name) => `?a=1&tenant=${name}&b=2`) },
  { weight: 1, arbitrary: fc.tuple(id, id).map(([one, other]) => `?tenant=${one}&tenant=${other}`) },
);

/** Targets of one word, as HTTP wants them. */
const target = fc
  .tuple(
    nearly(path),
    nearly(query),
    fc.oneof({ weight: 9, arbitrary: fc.constant('') }, { weight: 1, arbitrary: host }),
  )
  .map(([where, what, authority]) => {
    const origin = `${where.startsWith('/') ? '' : '/'}${where}${what}`.replace(/[\s\u0080-\u00ff]/g, '');
    // In absolute form everything but the authority is left as it should be: what URL parsers make of it is not ours.
    return authority === '' ? origin : `http://${authority}${/^\/[\w/-]*$/.test(where) ? where : '/'}`;
  });

/** Requests that are nearly right, in all the ways in which they can name a tenant. */
export const wireRequests: fc.Arbitrary<WireRequest> = fc.record({
  target,
  hosts: fc.oneof(
    { weight: 12, arbitrary: line(host).map((value) => [value]) },
    { weight: 1, arbitrary: fc.array(line(host), { maxLength: 3 }) },
  ),
  forwardedHosts: lines(
    fc.oneof(
      host,
      fc.tuple(host, host).map(([one, other]) => `${one}, ${other}`),
    ),
  ),
  forwarded: lines(fc.array(element, { minLength: 1, maxLength: 3 }).map((elements) => elements.join(', '))),
  tenantHeaders: lines(id),
  cookies: lines(id.map((name) => `a=1; tenant=${name}; b=2`)),
});

/** The request as it goes over the wire. */
export function bytesOf(request: WireRequest): string {
  const named: readonly (readonly [string, readonly string[]])[] = [
    ['Host', request.hosts],
    ['X-Forwarded-Host', request.forwardedHosts],
    ['Forwarded', request.forwarded],
    ['x-TENANT', request.tenantHeaders],
    ['cookie', request.cookies],
  ];
  const lines = named.flatMap(([name, values]) => values.map((value) => `${name}: ${value}`));
  return `${[`GET ${request.target} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`;
}
