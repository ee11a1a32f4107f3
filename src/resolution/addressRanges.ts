import { BlockList, isIP, isIPv4 } from 'node:net';
import { TenancyConfigurationError } from '../errors.ts';

const RANGE = /^([0-9A-Fa-f.:]+)(?:\/(0|[1-9][0-9]{0,2}))?$/;

/** Throws {@link TenancyConfigurationError} for anything but addresses and ranges such as `10.0.0.0/8` and `::1`. */
export function addressRanges(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [, address = '', digits] = RANGE.exec(range) ?? [];
    const version = isIP(address);
    const bits = version === 4 ? 32 : 128;
    const prefix = digits === undefined ? bits : Number(digits);
    if (version === 0 || prefix > bits) {
      throw new TenancyConfigurationError(
        `\`trustedProxies.addresses\` has ${JSON.stringify(range)}. It takes addresses and ranges, as "10.0.0.0/8" and "::1".`,
      );
    }
    if (prefix === 0) {
      throw new TenancyConfigurationError(
        `\`trustedProxies.addresses\` has ${JSON.stringify(range)}: that is everybody. Give the addresses of your proxies.`,
      );
    }
    list.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

/** `address` as {@link addressRanges} compares it: without a zone, and IPv4 as such where a socket speaks both. */
export function plainAddress(address: string): string {
  const withoutZone = address.replace(/%.*$/, '');
  const mapped = /^::ffff:([0-9.]+)$/i.exec(withoutZone)?.[1] ?? '';
  return isIPv4(mapped) ? mapped : withoutZone.toLowerCase();
}
