import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BadTenantRequestError } from '../../../src/errors.ts';
import { parseHost } from '../../../src/resolution/parseHost.ts';

const label63 = 'a'.repeat(63);
const name253 = [label63, label63, label63, 'b'.repeat(61)].join('.');

describe('parseHost', () => {
  it.each([
    ['acme.example.com', 'acme.example.com', undefined],
    ['ACME.Example.COM', 'acme.example.com', undefined],
    ['acme.example.com.', 'acme.example.com', undefined],
    ['acme.example.com.:3000', 'acme.example.com', 3000],
    ['localhost:1', 'localhost', 1],
    ['localhost:65535', 'localhost', 65535],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example', undefined],
    ['a--b.example', 'a--b.example', undefined],
    ['1.example', '1.example', undefined],
    [name253, name253, undefined],
    [`${name253}.`, name253, undefined],
  ])('takes %s for the domain %s', (host, domain, port) => {
    expect(parseHost([host])).toEqual({ is: 'domain', domain, port });
  });

  it.each([
    ['127.0.0.1', '127.0.0.1', undefined],
    ['127.0.0.1:3000', '127.0.0.1', 3000],
    ['127.0.0.1.', '127.0.0.1', undefined],
    ['[::1]', '::1', undefined],
    ['[::1]:3000', '::1', 3000],
    ['[2001:DB8::1]', '2001:db8::1', undefined],
    ['[::ffff:127.0.0.1]', '::ffff:127.0.0.1', undefined],
  ])('takes %s for the address %s', (host, address, port) => {
    expect(parseHost([host])).toEqual({ is: 'address', address, port });
  });

  it.each([
    ['an empty value', ''],
    ['only a dot', '.'],
    ['two trailing dots', 'acme.example.com..'],
    ['a leading dot', '.example.com'],
    ['an empty label', 'acme..example.com'],
    ['a label of 64 characters', `${'a'.repeat(64)}.com`],
    ['a name of 254 characters', `${name253}b`],
    ['an underscore', 'a_b.example.com'],
    ['a label that begins with a hyphen', '-a.example.com'],
    ['a label that ends with a hyphen', 'a-.example.com'],
    ['user information', 'acme@example.com'],
    ['user information with a password', 'acme:x@example.com'],
    ['a comma list', 'acme.example.com, globex.example.com'],
    ['a comma list without a space', 'acme.example.com,globex.example.com'],
    ['a tab', 'acme.example.com\tglobex.example.com'],
    ['a leading space', ' acme.example.com'],
    ['a trailing space', 'acme.example.com '],
    ['a newline at the end', 'acme.example.com\n'],
    ['a NUL', 'acme\0.example.com'],
    ['a slash', 'acme.example.com/'],
    ['a backslash', 'acme.example.com\\x'],
    ['a scheme', 'http://acme.example.com'],
    ['percent-encoding', 'acme%2eexample.com'],
    ['letters beyond ASCII', 'bücher.example'],
    ['the Kelvin sign, which is "k" in lower case', '\u212Aoa.example'],
    ['a full-width letter', '\uFF41cme.example'],
    ['an ideographic full stop', 'acme\u3002example'],
    ['an empty port', 'acme.example.com:'],
    ['port 0', 'acme.example.com:0'],
    ['a port with a leading zero', 'acme.example.com:080'],
    ['port 65536', 'acme.example.com:65536'],
    ['a port of six digits', 'acme.example.com:100000'],
    ['a negative port', 'acme.example.com:-1'],
    ['a port in words', 'acme.example.com:http'],
    ['two ports', 'acme.example.com:80:80'],
    ['only a port', ':80'],
    ['half an IPv4 address', '127.0.1'],
    ['an IPv4 address out of range', '256.0.0.1'],
    ['an IPv4 address in hexadecimal', '0x7f.0.0.0x1'],
    ['an IPv4 address as one number', '2130706433'],
    ['a number as the last label', 'acme.1'],
    ['a hexadecimal number as the last label', 'acme.0x7f'],
    ['the beginning of a hexadecimal number as the last label', 'acme.0x'],
    ['IPv6 without brackets', '::1'],
    ['empty brackets', '[]'],
    ['IPv6 that is none', '[:::1]'],
    ['IPv6 with a zone', '[fe80::1%25eth0]'],
    ['an open bracket', '[::1'],
    ['something after the brackets', '[::1]x'],
    ['a name in brackets', '[acme.example.com]'],
    ['an address of a future version', '[v1.a]'],
  ])('refuses %s with 400', (_, host) => {
    expect(() => parseHost([host])).toThrow(BadTenantRequestError);
  });

  it.each([[[]], [['a.com', 'b.com']], [['a.com', 'a.com']]])('refuses %j, which is not one value', (hosts) => {
    expect(() => parseHost(hosts)).toThrow(/exactly one/);
  });

  it('never repeats what the client sent in its message', () => {
    expect(() => parseHost(['<script>'])).toThrow(/^(?!.*script).*$/);
  });

  it('takes every domain with and without a port and a trailing dot, in any case, for the same', () => {
    const ports = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });
    fc.assert(
      fc.property(fc.domain(), ports, fc.boolean(), fc.boolean(), (domain, port, isDotted, isUpperCase) => {
        const written = `${isUpperCase ? domain.toUpperCase() : domain}${isDotted ? '.' : ''}`;
        expect(parseHost([port === undefined ? written : `${written}:${port}`])).toEqual({
          is: 'domain',
          domain: domain.toLowerCase(),
          port,
        });
      }),
    );
  });

  it('takes every IPv6 address in brackets', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        expect(parseHost([`[${address}]`])).toMatchObject({ is: 'address' });
      }),
    );
  });
});
