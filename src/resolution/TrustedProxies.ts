import { type BlockList, isIPv4 } from 'node:net';
import { BadTenantRequestError, TenancyConfigurationError } from '../errors.ts';
import { addressRanges, plainAddress } from './addressRanges.ts';
import { parseForwarded } from './parseForwarded.ts';
import { parseNode } from './parseNode.ts';
import type { TenantRequest } from './TenantRequest.ts';

/** Which proxies are believed when they say what a client asked for. */
export interface TrustedProxiesOptions {
  /** Addresses and ranges of the proxies, as `10.0.0.0/8` and `::1`. */
  readonly addresses: readonly string[];
  /**
   * Which headers they write. The others are never read: a proxy that does not know a header passes on a client's.
   * `x-forwarded`: X-Forwarded-Host and X-Forwarded-For. `forwarded`: Forwarded (RFC 7239). @default 'x-forwarded'
   */
  readonly headers?: 'x-forwarded' | 'forwarded' | undefined;
}

/** What a proxy says of a request. */
export interface ForwardedRequest {
  /** The host that the client asked for; `undefined` where the proxies leave that to the Host header. */
  readonly host: string | undefined;
  /** Who asked; `undefined` where a proxy hides it. */
  readonly client: string | undefined;
}

type Headers = Pick<TenantRequest, 'header'>;

/** Reads what proxies have put into a request, of connections from their addresses only. */
export class TrustedProxies {
  readonly #ranges: BlockList;
  readonly #isRfc7239: boolean;

  /** Throws {@link TenancyConfigurationError}. */
  constructor(options: TrustedProxiesOptions) {
    const { addresses, headers = 'x-forwarded' } = options;
    if (!Array.isArray(addresses) || addresses.length === 0) {
      throw new TenancyConfigurationError(
        '`trustedProxies.addresses` takes at least one address, as in ["10.0.0.0/8"].',
      );
    }
    if (headers !== 'x-forwarded' && headers !== 'forwarded') {
      throw new TenancyConfigurationError("`trustedProxies.headers` is 'x-forwarded' or 'forwarded'.");
    }
    this.#ranges = addressRanges(addresses);
    this.#isRfc7239 = headers === 'forwarded';
  }

  has(address: string | undefined): boolean {
    if (address === undefined) {
      return false;
    }
    const plain = plainAddress(address);
    return this.#ranges.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6');
  }

  /** The host of a request whose connection {@link has} been found to be from a proxy. */
  hostOf(request: Headers): string | undefined {
    return this.#isRfc7239 ? this.#forwarded(request).host : xForwardedHost(request);
  }

  /** The client of such a request: the right-most address that is no trusted proxy. */
  clientOf(request: Headers, peer: string): string | undefined {
    if (this.#isRfc7239) {
      return this.#forwarded(request, peer).client;
    }
    const nodes = request.header('x-forwarded-for').flatMap(elementsOf);
    let client: string | undefined = peer;
    for (let node = nodes.pop(); node !== undefined && this.has(client); node = nodes.pop()) {
      client = parseNode(node);
    }
    return client;
  }

  /**
   * Each proxy adds an element at the right, so the ones at the left are whatever the client made up. An element is
   * believed when the one to its right was written by a trusted proxy and says that another one sent it.
   */
  #forwarded(request: Headers, peer?: string): ForwardedRequest {
    const elements = [...parseForwarded(request.header('forwarded'))];
    let client = peer;
    let host: string | undefined;
    for (let isBelieved = true; isBelieved; isBelieved = this.has(client)) {
      const element = elements.pop();
      if (element === undefined) {
        break;
      }
      const node = element.get('for');
      client = node === undefined ? undefined : parseNode(node);
      host = element.get('host') ?? host;
    }
    return { host, client };
  }
}

/**
 * The last value: the proxy of this connection wrote it, or let one through that another one wrote. Nothing says who
 * wrote the ones before, even where X-Forwarded-For has as many: a proxy may add to one header and not to the other.
 */
function xForwardedHost(request: Headers): string | undefined {
  const lines = request.header('x-forwarded-host');
  const [line] = lines;
  if (lines.length > 1) {
    throw new BadTenantRequestError('The request has more than one X-Forwarded-Host.');
  }
  return line === undefined ? undefined : elementsOf(line).at(-1);
}

function elementsOf(line: string): string[] {
  return line.split(',').map((element) => element.replace(/^[ \t]+|[ \t]+$/g, ''));
}
