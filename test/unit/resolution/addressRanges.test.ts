import { describe, expect, it } from '@jest/globals';
import { addressRanges, plainAddress } from '../../../src/resolution/addressRanges.ts';

describe('a plain address', () => {
  it.each([
    ['203.0.113.5', '203.0.113.5'],
    ['::ffff:203.0.113.5', '203.0.113.5'],
    ['::FFFF:203.0.113.5', '203.0.113.5'],
    ['2001:DB8::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::ffff:203.0.113.5%eth0', '203.0.113.5'],
    ['1::ffff:203.0.113.5', '1::ffff:203.0.113.5'],
    ['::ffff:203.0.113', '::ffff:203.0.113'],
    ['::ffff:203.0.113.5x', '::ffff:203.0.113.5x'],
  ])('of %s is %s', (address, plain) => {
    expect(plainAddress(address)).toBe(plain);
  });
});

describe('ranges of addresses', () => {
  it.each([
    ['0.0.0.0/1', '127.0.0.1', 'ipv4'],
    ['10.0.0.0/32', '10.0.0.0', 'ipv4'],
    ['8000::/1', 'fd00::1', 'ipv6'],
    ['fd00::1/128', 'fd00::1', 'ipv6'],
  ] as const)('of %s have %s', (range, address, version) => {
    expect(addressRanges([range]).check(address, version)).toBe(true);
  });

  it.each(['10.0.0.0/0', '::/0', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/8x', '10.0.0.0/8 '])('refuse %s', (range) => {
    expect(() => addressRanges([range])).toThrow(/trustedProxies/);
  });
});
