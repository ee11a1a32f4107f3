import { isIPv4, isIPv6 } from 'node:net';
import { BadTenantRequestError } from '../errors.ts';
import { isDomainName } from '../tenant/domainName.ts';

/** The host of a request: a domain name in lower case without its trailing dot, or an IP address. */
export type Host =
  | { readonly is: 'domain'; readonly domain: string; readonly port: number | undefined }
  | { readonly is: 'address'; readonly address: string; readonly port: number | undefined };

/** ASCII only: some other letters become ASCII when they are made lower case. */
const NAME_AND_PORT = /^(?:([A-Za-z0-9.-]+)|\[([A-Fa-f0-9:.]+)\])(?::([1-9][0-9]{0,4}))?$/;

/** Browsers take a host whose last label is a number for an IPv4 address, whatever stands before it. */
const NUMERIC_LAST_LABEL = /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/;

const MAX_PORT = 65_535;

/**
 * Parses the only Host value of a request. Throws {@link BadTenantRequestError} when there is none, more than one, or
 * anything but a domain name, an IPv4 address or an IPv6 address in brackets, with or without a port.
 */
export function parseHost(hosts: readonly string[]): Host {
  const [value] = hosts;
  if (value === undefined || hosts.length > 1) {
    throw new BadTenantRequestError(`The request has ${hosts.length} Host values; it needs exactly one.`);
  }
  const [, name, ipv6, digits] = NAME_AND_PORT.exec(value) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && port > MAX_PORT) {
    throw malformed();
  }
  if (name !== undefined) {
    return parseName(name.toLowerCase().replace(/\.$/, ''), port);
  }
  if (ipv6 !== undefined && isIPv6(ipv6)) {
    return { is: 'address', address: ipv6.toLowerCase(), port };
  }
  throw malformed();
}

function parseName(name: string, port: number | undefined): Host {
  if (!NUMERIC_LAST_LABEL.test(name) && isDomainName(name)) {
    return { is: 'domain', domain: name, port };
  }
  if (isIPv4(name)) {
    return { is: 'address', address: name, port };
  }
  throw malformed();
}

function malformed(): BadTenantRequestError {
  return new BadTenantRequestError('The Host of the request is no host name.');
}
