import type { IncomingMessage } from 'node:http';
import { plainAddress } from '../resolution/addressRanges.ts';
import { parseHost } from '../resolution/parseHost.ts';
import type { TenantRequest } from '../resolution/TenantRequest.ts';
import type { TrustedProxies } from '../resolution/TrustedProxies.ts';
import type { HttpExchange } from './HttpExchange.ts';

/** The authority of `GET http://example.com/path HTTP/1.1`, the form of a request to a proxy. */
const ABSOLUTE_FORM = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i;

/**
 * A request as it came over the wire. What frameworks make of the Host header is not used: they drop a second Host line,
 * let malformed values through, and take over the client's X-Forwarded-Host where they are told of a proxy.
 */
export class HttpTenantRequest<C = unknown> implements TenantRequest {
  /** For resolvers that read what earlier middleware has put there, as a session. */
  readonly ctx: C;
  readonly path: string;
  /** The target of the request line, as received. */
  readonly target: string;
  readonly method: string;
  readonly #req: IncomingMessage;
  readonly #proxies: TrustedProxies | undefined;

  constructor({ ctx, req, path, target }: HttpExchange<C>, proxies?: TrustedProxies) {
    this.ctx = ctx;
    this.path = path;
    this.target = target;
    this.method = req.method ?? '';
    this.#req = req;
    this.#proxies = proxies;
  }

  get hosts(): readonly string[] {
    const forwarded = this.isFromTrustedProxy ? this.#proxies?.hostOf(this) : undefined;
    const authority = this.#authority();
    if (forwarded !== undefined) {
      if (authority !== undefined) {
        // It names no tenant then, but where it is malformed nobody can say what of the request line is the path.
        parseHost([authority]);
      }
      return [forwarded];
    }
    const lines = this.header('host');
    const isRepeated = lines.length === 1 && lines[0] === authority;
    return authority === undefined || isRepeated ? lines : [authority, ...lines];
  }

  get query(): string {
    const { url = '' } = this.#req;
    const mark = url.indexOf('?');
    return mark === -1 ? '' : url.slice(mark + 1);
  }

  get isFromTrustedProxy(): boolean {
    return this.#proxies?.has(this.#req.socket.remoteAddress) === true;
  }

  /** Who sent the request: the connection's address or, where that is a trusted proxy's, the one that it names. */
  get clientAddress(): string | undefined {
    const { remoteAddress } = this.#req.socket;
    if (remoteAddress === undefined || this.#proxies?.has(remoteAddress) !== true) {
      return remoteAddress === undefined ? undefined : plainAddress(remoteAddress);
    }
    return this.#proxies.clientOf(this, plainAddress(remoteAddress));
  }

  header(name: string): readonly string[] {
    const { rawHeaders } = this.#req;
    const wanted = name.toLowerCase();
    const values: string[] = [];
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const [found, value] = [rawHeaders[index], rawHeaders[index + 1]];
      if (found?.length === wanted.length && found.toLowerCase() === wanted && value !== undefined) {
        values.push(value);
      }
    }
    return values;
  }

  /** The host in the request line, where it has one: always so in HTTP/2. It must not differ from the Host header. */
  #authority(): string | undefined {
    return this.#req.httpVersionMajor >= 2 ? this.header(':authority')[0] : ABSOLUTE_FORM.exec(this.target)?.[1];
  }
}
