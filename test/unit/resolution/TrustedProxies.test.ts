import { describe, expect, it } from '@jest/globals';
import { BadTenantRequestError, TenancyConfigurationError } from '../../../src/errors.ts';
import { TrustedProxies, type TrustedProxiesOptions } from '../../../src/resolution/TrustedProxies.ts';
import { tenantRequest } from '../../support/resolution/tenantRequest.ts';

const addresses = ['10.0.0.0/8', '192.168.1.7', 'fd00::/8', '::1'];
const proxies = new TrustedProxies({ addresses });
const rfc7239 = new TrustedProxies({ addresses, headers: 'forwarded' });
const PEER = '10.0.0.1';

const request = (headers: Readonly<Record<string, readonly string[]>>) => tenantRequest({ headers });
const forwarded = (...lines: readonly string[]) => request({ forwarded: lines });

describe('an address', () => {
  it.each([
    '10.0.0.1',
    '10.255.255.255',
    '192.168.1.7',
    'fd00::1',
    'FD12:3456::',
    '::1',
    '::ffff:10.1.2.3',
    '::ffff:a00:1',
  ])('%s is of a trusted proxy', (address) => {
    expect(proxies.has(address)).toBe(true);
  });

  it.each(['11.0.0.1', '192.168.1.8', 'fe80::1', '::2', '::ffff:11.0.0.1', '::ffff:b00:1', '', 'x', undefined])(
    '%p is not',
    (address) => {
      expect(proxies.has(address)).toBe(false);
    },
  );

  it.each<[string, unknown]>([
    ['none', []],
    ['no list', '10.0.0.0/8'],
    ['everybody', ['0.0.0.0/0']],
    ['everybody of IPv6', ['::/0']],
    ['a name', ['proxy.internal']],
    ['too long a prefix', ['10.0.0.0/33']],
    ['a prefix with a zero before', ['10.0.0.0/08']],
    ['a netmask', ['10.0.0.0/255.0.0.0']],
    ['a port', ['10.0.0.1:80']],
    ['half an address', ['10.0.0/8']],
    ['an empty value', ['']],
  ])('is refused when the option is %s', (_case, wrong) => {
    expect(() => new TrustedProxies({ addresses: wrong } as TrustedProxiesOptions)).toThrow(TenancyConfigurationError);
  });

  it('is not enough: which headers the proxies write is one of two', () => {
    const wrong = { addresses, headers: 'both' } as unknown as TrustedProxiesOptions;
    expect(() => new TrustedProxies(wrong)).toThrow(/'x-forwarded' or 'forwarded'/);
  });
});

describe('X-Forwarded-Host', () => {
  it.each([
    ['acme.com', 'acme.com'],
    ['evil.com, acme.com', 'acme.com'],
    ['evil.com,other.com ,\t acme.com \t', 'acme.com'],
    // Made one name of two, it would be somebody's.
    ['ac me.com', 'ac me.com'],
    ['', ''],
    ['acme.com,', ''],
  ])('%j gives %j, which the nearest proxy wrote', (value, host) => {
    expect(proxies.hostOf(request({ 'x-forwarded-host': [value] }))).toBe(host);
  });

  it('gives nothing when it is not there, and Forwarded is not read instead', () => {
    expect(proxies.hostOf(forwarded('host=evil.com'))).toBeUndefined();
    expect(rfc7239.hostOf(request({ 'x-forwarded-host': ['evil.com'] }))).toBeUndefined();
  });

  it('is refused when it is there twice', () => {
    expect(() => proxies.hostOf(request({ 'x-forwarded-host': ['acme.com', 'evil.com'] }))).toThrow(
      BadTenantRequestError,
    );
  });

  it('is not chosen by X-Forwarded-For, of which a client may have made as many', () => {
    const headers = { 'x-forwarded-host': ['evil.com, acme.com'], 'x-forwarded-for': ['10.0.0.9, 10.0.0.8'] };
    expect(proxies.hostOf(request(headers))).toBe('acme.com');
  });
});

describe('X-Forwarded-For', () => {
  const clientOf = (...lines: readonly string[]) => proxies.clientOf(request({ 'x-forwarded-for': lines }), PEER);

  it.each<[string, readonly string[], string | undefined]>([
    ['nothing', [], PEER],
    ['one client', ['203.0.113.5'], '203.0.113.5'],
    ['what a client made up before it', ['1.1.1.1, 10.0.0.2, 203.0.113.5'], '203.0.113.5'],
    ['a trusted hop after it', ['1.1.1.1, 203.0.113.5, 10.0.0.2'], '203.0.113.5'],
    ['nonsense that nobody needs to read', ['<script>, 203.0.113.5, 10.0.0.2'], '203.0.113.5'],
    ['several lines', ['1.1.1.1', '203.0.113.5', '10.0.0.2'], '203.0.113.5'],
    ['only trusted hops', ['10.0.0.3, 10.0.0.2'], '10.0.0.3'],
    ['ports', ['203.0.113.5:4711, [fd00::2]:80'], '203.0.113.5'],
    ['IPv6 without brackets', ['2001:DB8::1, fd00::2'], '2001:db8::1'],
    ['IPv4 in IPv6', ['203.0.113.5, ::ffff:10.0.0.2'], '203.0.113.5'],
    ['a client by IPv4 in IPv6', ['::FFFF:203.0.113.5'], '203.0.113.5'],
    ['a hidden client', ['203.0.113.5, unknown'], undefined],
    ['a hidden hop', ['203.0.113.5, _secret, 10.0.0.2'], undefined],
  ])('gives the right-most untrusted address with %s', (_case, lines, client) => {
    expect(clientOf(...lines)).toBe(client);
  });

  it.each(['', 'x', '10.0.0.256', '10.0.0.1:x', '[10.0.0.1]', '1.1.1.1 10.0.0.1', 'fe80::1%eth0', '10.0.0.1:123456'])(
    'is refused with 400 when a proxy wrote %j',
    (last) => {
      expect(() => clientOf(`203.0.113.5, ${last}`)).toThrow(BadTenantRequestError);
    },
  );
});

describe('Forwarded', () => {
  it.each<[string, readonly string[], string | undefined]>([
    ['nothing', [], undefined],
    ['no host', ['for=203.0.113.5'], undefined],
    ['one element', ['for=203.0.113.5;host=acme.com;proto=https'], 'acme.com'],
    ['names in any case', ['FOR=203.0.113.5;Host=acme.com'], 'acme.com'],
    ['quotes', ['for="[2001:db8::1]:80";host="acme.com:8443"'], 'acme.com:8443'],
    ['an escaped quote', ['for=203.0.113.5;host="a\\"b"'], 'a"b'],
    ['what a client made up', ['for=10.0.0.2;host=evil.com, for=203.0.113.5;host=acme.com'], 'acme.com'],
    ['a trusted hop', ['for=203.0.113.5;host=acme.com, for=10.0.0.2;host=internal'], 'acme.com'],
    ['a trusted hop that says no host', ['for=203.0.113.5, for=10.0.0.2;host=acme.com'], 'acme.com'],
    ['a hop that hides its client', ['for=1.1.1.1;host=evil.com, for=_x;host=acme.com'], 'acme.com'],
    ['a hop without its client', ['for=1.1.1.1;host=evil.com, host=acme.com'], 'acme.com'],
    ['a comma without a space', ['for=1.1.1.1;host=evil.com,for=203.0.113.5;host=acme.com'], 'acme.com'],
    ['space around a comma', ['for=1.1.1.1;host=evil.com \t,\t for=203.0.113.5;host=acme.com'], 'acme.com'],
    ['lines', ['for=1.1.1.1;host=evil.com', 'for=203.0.113.5;host=acme.com', 'for=10.0.0.2'], 'acme.com'],
  ])('gives the host that the outermost trusted proxy was asked for, with %s', (_case, lines, host) => {
    expect(rfc7239.hostOf(forwarded(...lines))).toBe(host);
  });

  it('gives the client too', () => {
    const lines = ['for=10.0.0.9, for=203.0.113.5;host=acme.com, for="[fd00::2]"'];
    expect(rfc7239.clientOf(forwarded(...lines), PEER)).toBe('203.0.113.5');
    expect(rfc7239.clientOf(forwarded(), PEER)).toBe(PEER);
    expect(rfc7239.clientOf(forwarded('host=acme.com'), PEER)).toBeUndefined();
  });

  it.each([
    '',
    ',',
    'for',
    'for=',
    'for=a b',
    '=a',
    'for=203.0.113.5;',
    'for=203.0.113.5,',
    'for=203.0.113.5;;host=a',
    'for=203.0.113.5; host=a',
    'for =203.0.113.5',
    'host=a;host=b',
    'host=a;HOST=b',
    'host="a',
    'host="a\\"',
    'host="a"b',
    'host="a"b,for=203.0.113.5',
    'host=acme.com:80',
    'for=[2001:db8::1]',
    'for=acme;host=acme.com',
    'host="a\nb"',
    // A quote that a client left open takes over what the proxy adds.
    'for=1.1.1.1;x=", for=203.0.113.5;host="acme.com"',
    'for=1.1.1.1;x=", for=203.0.113.5;host=acme.com',
  ])('is refused with 400 when it is %j', (value) => {
    expect(() => rfc7239.hostOf(forwarded(value))).toThrow(BadTenantRequestError);
    // Nothing is left of it for the next request.
    expect(rfc7239.hostOf(forwarded('host=acme.com'))).toBe('acme.com');
  });
});
