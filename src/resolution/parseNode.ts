import { isIPv4, isIPv6 } from 'node:net';
import { BadTenantRequestError } from '../errors.ts';
import { plainAddress } from './addressRanges.ts';

const NODE = /^(?:([0-9.]+)|\[([0-9A-Fa-f:.]+)\])(?::(?:[0-9]{1,5}|_[\w.-]+))?$/;
const HIDDEN = /^(?:unknown|_[\w.-]+)(?::(?:[0-9]{1,5}|_[\w.-]+))?$/i;

/**
 * The address of whom a proxy was talking to, by X-Forwarded-For or the `for` of Forwarded: with or without a port, and
 * `undefined` where the proxy hides it. Throws {@link BadTenantRequestError} for anything else.
 */
export function parseNode(value: string): string | undefined {
  if (HIDDEN.test(value)) {
    return undefined;
  }
  const [, ipv4 = '', ipv6 = value] = NODE.exec(value) ?? [];
  if (isIPv4(ipv4)) {
    return ipv4;
  }
  // X-Forwarded-For has IPv6 addresses also without brackets.
  if (isIPv6(ipv6) && !ipv6.includes('%')) {
    return plainAddress(ipv6);
  }
  throw new BadTenantRequestError('A forwarded address of the request is malformed.');
}
