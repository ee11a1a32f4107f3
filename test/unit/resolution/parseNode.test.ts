import { describe, expect, it } from '@jest/globals';
import { BadTenantRequestError } from '../../../src/errors.ts';
import { parseNode } from '../../../src/resolution/parseNode.ts';

describe('the node that a proxy names', () => {
  it.each([
    ['203.0.113.5', '203.0.113.5'],
    ['203.0.113.5:80', '203.0.113.5'],
    ['203.0.113.5:_a.b-c', '203.0.113.5'],
    ['[2001:DB8::1]', '2001:db8::1'],
    ['[2001:db8::1]:65535', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
  ])('%s is the address %s', (node, address) => {
    expect(parseNode(node)).toBe(address);
  });

  it.each(['unknown', 'UNKNOWN', 'unknown:80', 'unknown:12345', 'unknown:_port', '_a.b-c', '_hop:_port', '_hop:1'])(
    '%s is hidden',
    (node) => {
      expect(parseNode(node)).toBeUndefined();
    },
  );

  it.each([
    '_',
    'unknownx',
    'unknown x',
    'an unknown',
    'x_hop',
    'unknown:',
    'unknown:_',
    'unknown:port',
    'unknown:123456',
    '_hop:_a b',
    '203.0.113.5:_',
    '203.0.113.5:_a b',
    '[203.0.113.5]',
    '[2001:db8::1',
    '',
  ])('%j is refused with 400', (node) => {
    expect(() => parseNode(node)).toThrow(BadTenantRequestError);
  });
});
