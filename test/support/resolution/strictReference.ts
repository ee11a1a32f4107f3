/**
 * What a request must come to, written a second time: by hand, character after character, without anything of `src`, so
 * that both would have to be wrong in the same way.
 */
export interface WireRequest {
  readonly target: string;
  /** Lines of the headers, in their order, without white space around the values. */
  readonly hosts: readonly string[];
  readonly forwardedHosts: readonly string[];
  readonly forwarded: readonly string[];
  readonly tenantHeaders: readonly string[];
  readonly cookies: readonly string[];
}

export interface ReferenceOptions {
  /** Domains by the id of their tenant. */
  readonly tenants: Readonly<Record<string, readonly string[]>>;
  readonly baseDomain: string;
  readonly isPeerTrusted: boolean;
  readonly headers: 'x-forwarded' | 'forwarded';
}

/** `refused` is 404, `malformed` is 400. */
export type Expected = { readonly tenant: string } | 'refused' | 'malformed';

/** Stands for a request that is to be answered with 400. */
class Malformed extends Error {}

type Name = { readonly id: string } | { readonly domain: string };

/** The sources are path, host, header, query and cookie, in this order; all but the first two are trusted from proxies. */
export function strictly(request: WireRequest, options: ReferenceOptions): Expected {
  try {
    const names = [
      byPath(pathOf(request.target)),
      byHost(request, options),
      ...(options.isPeerTrusted
        ? [only(request.tenantHeaders), only(queryValues(request.target)), only(cookieValues(request.cookies))]
        : []),
    ].filter((name) => name !== undefined);
    return agreed(names, options);
  } catch (error) {
    if (error instanceof Malformed) {
      return 'malformed';
    }
    throw error;
  }
}

/** The request as a parser of HTTP hands it on. */
export function trimmed(request: WireRequest): WireRequest {
  const { target, hosts, forwardedHosts, forwarded, tenantHeaders, cookies } = request;
  return {
    target,
    hosts: hosts.map(strip),
    forwardedHosts: forwardedHosts.map(strip),
    forwarded: forwarded.map(strip),
    tenantHeaders: tenantHeaders.map(strip),
    cookies: cookies.map(strip),
  };
}

function agreed(names: readonly Name[], { tenants }: ReferenceOptions): Expected {
  const known = (id: string): boolean => Object.hasOwn(tenants, id);
  const idOf = (name: Name): string | undefined =>
    'id' in name ? name.id : Object.keys(tenants).find((id) => tenants[id]?.includes(name.domain));
  const [first, ...others] = names;
  const id = first === undefined ? undefined : idOf(first);
  if (id === undefined || !known(id)) {
    return 'refused';
  }
  const differs = others.map(idOf).some((other) => other !== undefined && other !== id);
  return differs ? 'refused' : { tenant: id };
}

function only(values: readonly string[]): Name | undefined {
  if (values.length === 0) {
    return undefined;
  }
  return { id: values.length === 1 ? tenantId(values[0] ?? '') : fail() };
}

function byHost(request: WireRequest, options: ReferenceOptions): Name | undefined {
  const host = hostName(theHost(request, options));
  if (host === undefined) {
    return undefined;
  }
  const labels = host.split('.');
  const base = options.baseDomain.split('.');
  const isBelow = labels.length === base.length + 1 && labels.slice(1).join('.') === options.baseDomain;
  if (isBelow && labels[0] !== 'www') {
    return { id: tenantId(labels[0] ?? '') };
  }
  const bare = labels.length > 2 && labels[0] === 'www' ? labels.slice(1).join('.') : host;
  return bare === options.baseDomain ? undefined : { domain: bare };
}

function theHost(request: WireRequest, options: ReferenceOptions): string {
  const authority = authorityOf(request.target);
  if (authority !== undefined) {
    hostName(authority);
  }
  const forwarded = options.isPeerTrusted ? forwardedHost(request, options) : undefined;
  if (forwarded !== undefined) {
    return forwarded;
  }
  // HTTP/1.0 may have one in the request line alone.
  const [host = authority] = request.hosts;
  if (request.hosts.length > 1 || host === undefined || (authority !== undefined && authority !== host)) {
    return fail();
  }
  return host;
}

function forwardedHost(request: WireRequest, { headers }: ReferenceOptions): string | undefined {
  if (headers === 'x-forwarded') {
    if (request.forwardedHosts.length > 1) {
      return fail();
    }
    const values = request.forwardedHosts[0]?.split(',');
    return values === undefined ? undefined : strip(values[values.length - 1] ?? '');
  }
  const elements = request.forwarded.flatMap(forwardedElements);
  let host: string | undefined;
  for (let index = elements.length - 1; index >= 0; index -= 1) {
    const element = elements[index];
    host = element?.get('host') ?? host;
    const from = element?.get('for');
    if (from === undefined || !isTrustedNode(from)) {
      break;
    }
  }
  return host;
}

const TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

function forwardedElements(line: string): Map<string, string>[] {
  const elements: Map<string, string>[] = [new Map()];
  let at = 0;
  const token = (): string => {
    const start = at;
    while (at < line.length && TOKEN.includes(line[at] ?? '')) {
      at += 1;
    }
    return start === at ? fail() : line.slice(start, at);
  };
  const spaces = (): void => {
    while (line[at] === ' ' || line[at] === '\t') {
      at += 1;
    }
  };
  for (;;) {
    const name = token().toLowerCase();
    const element = elements[elements.length - 1];
    if (line[at] !== '=' || element === undefined || element.has(name)) {
      fail();
    }
    at += 1;
    let value = '';
    if (line[at] === '"') {
      for (at += 1; line[at] !== '"'; at += 1) {
        if (line[at] === '\\') {
          at += 1;
        }
        const code = line.charCodeAt(at);
        if (!(code === 9 || (code >= 32 && code <= 126) || (code >= 128 && code <= 255))) {
          fail();
        }
        value += line[at];
      }
      at += 1;
    } else {
      value = token();
    }
    element?.set(name, value);
    if (at === line.length) {
      return elements;
    }
    if (line[at] === ';') {
      at += 1;
      continue;
    }
    spaces();
    if (line[at] !== ',') {
      fail();
    }
    at += 1;
    spaces();
    elements.push(new Map());
  }
}

/** Of 127.0.0.0/8 and 10.0.0.0/8. */
function isTrustedNode(node: string): boolean {
  const lower = node.toLowerCase();
  if (lower === 'unknown' || lower.startsWith('unknown:') || node.startsWith('_')) {
    return hidden(node);
  }
  const [address, port, ...more] = node.startsWith('[') ? bracketed(node) : node.split(':');
  const isPort =
    port === undefined || (port.length >= 1 && port.length <= 5 && Array.from(port).every(isDigit)) || obscured(port);
  if (!isPort || more.length > 0) {
    return isBareIpv6(node) ? false : fail();
  }
  if (node.startsWith('[')) {
    return isBareIpv6(address ?? '') ? false : fail();
  }
  const octets = ipv4(address ?? '');
  return octets === undefined ? fail() : octets[0] === 127 || octets[0] === 10;
}

function hidden(node: string): false {
  const [name = '', port, ...more] = node.split(':');
  const isName = name.toLowerCase() === 'unknown' || obscured(name);
  const isPort =
    port === undefined || (port.length >= 1 && port.length <= 5 && Array.from(port).every(isDigit)) || obscured(port);
  return isName && isPort && more.length === 0 ? false : fail();
}

function obscured(text: string): boolean {
  return (
    text.length > 1 &&
    text.startsWith('_') &&
    Array.from(text).every((c) => isLetter(c) || isDigit(c) || '._-'.includes(c))
  );
}

function bracketed(node: string): string[] {
  const end = node.indexOf(']');
  const rest = node.slice(end + 1);
  if (end === -1 || (rest !== '' && !rest.startsWith(':'))) {
    return fail();
  }
  return rest === '' ? [node.slice(1, end)] : [node.slice(1, end), rest.slice(1)];
}

function isBareIpv6(text: string): boolean {
  return (
    text.includes(':') &&
    Array.from(text).every((c) => isHex(c) || c === ':' || c === '.') &&
    URL.canParse(`http://[${text}]`)
  );
}

/** The domain of a Host value, `undefined` for an address. */
function hostName(value: string): string | undefined {
  let [name, port] = [value, ''];
  if (value.startsWith('[')) {
    const [address = '', digits] = bracketed(value);
    if (!isBareIpv6(address)) {
      fail();
    }
    [name, port] = ['', digits ?? ''];
    if (digits === '') {
      fail();
    }
  } else {
    const colon = value.indexOf(':');
    if (colon !== -1) {
      [name, port] = [value.slice(0, colon), value.slice(colon + 1)];
      if (port === '') {
        fail();
      }
    }
  }
  const isPort = Array.from(port).every(isDigit) && !port.startsWith('0') && port.length <= 5 && Number(port) <= 65_535;
  if (!isPort) {
    fail();
  }
  return value.startsWith('[') ? undefined : domainName(name);
}

function domainName(written: string): string | undefined {
  if (!Array.from(written).every((c) => c.charCodeAt(0) < 128)) {
    fail();
  }
  const lower = written.toLowerCase();
  const name = lower.endsWith('.') ? lower.slice(0, -1) : lower;
  const labels = name.split('.');
  const last = labels[labels.length - 1] ?? '';
  const isNumeric = last !== '' && Array.from(last).every(isDigit);
  const isHexNumber = last.startsWith('0x') && Array.from(last.slice(2)).every(isHex);
  if (isNumeric || isHexNumber) {
    return ipv4(name) === undefined ? fail() : undefined;
  }
  const isLabel = (label: string): boolean =>
    label.length >= 1 &&
    label.length <= 63 &&
    !label.startsWith('-') &&
    !label.endsWith('-') &&
    Array.from(label).every((c) => isLetter(c) || isDigit(c) || c === '-');
  return name.length <= 253 && labels.every(isLabel) ? name : fail();
}

function ipv4(text: string): number[] | undefined {
  const parts = text.split('.');
  const isOctet = (part: string): boolean =>
    part !== '' && Array.from(part).every(isDigit) && String(Number(part)) === part && Number(part) <= 255;
  return parts.length === 4 && parts.every(isOctet) ? parts.map(Number) : undefined;
}

function byPath(path: string): Name | undefined {
  if (!path.startsWith('/t/') || path === '/t/') {
    return undefined;
  }
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return fail();
  }
  const isControl = (c: string): boolean => c.charCodeAt(0) < 32 || (c.charCodeAt(0) >= 127 && c.charCodeAt(0) < 160);
  const segments = decoded.replaceAll('\\', '/').split('/');
  if (
    path.includes('//') ||
    path.includes('\\') ||
    Array.from(decoded).some(isControl) ||
    segments.some((s) => s === '.' || s === '..')
  ) {
    return fail();
  }
  return { id: tenantId(path.split('/')[2] ?? '') };
}

function pathOf(target: string): string {
  const authority = authorityOf(target);
  const rest = authority === undefined ? target : target.slice(target.indexOf('//') + 2 + authority.length);
  // A request has no fragment, and what is made of one differs.
  return target.includes('#') ? fail() : (rest.split('?')[0] ?? '');
}

function authorityOf(target: string): string | undefined {
  const lower = target.toLowerCase();
  if (!lower.startsWith('http://')) {
    return undefined;
  }
  let end = 'http://'.length;
  while (end < target.length && !'/?#'.includes(target[end] ?? '')) {
    end += 1;
  }
  return target.slice('http://'.length, end);
}

function queryValues(target: string): string[] {
  const mark = target.indexOf('?');
  const pairs = mark === -1 ? [] : target.slice(mark + 1).split('&');
  return pairs
    .map((pair) =>
      pair.includes('=') ? [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] : [pair, ''],
    )
    .filter(([name = '']) => formDecoded(name) === 'tenant')
    .map(([, value = '']) => formDecoded(value));
}

/** Only what can matter: a name or value that is not plain ASCII afterwards is neither `tenant` nor an id. */
function formDecoded(text: string): string {
  let decoded = '';
  for (let at = 0; at < text.length; at += 1) {
    const hex = text.slice(at + 1, at + 3);
    if (text[at] === '%' && hex.length === 2 && Array.from(hex).every(isHex)) {
      decoded += String.fromCharCode(Number.parseInt(hex, 16));
      at += 2;
    } else {
      decoded += text[at] === '+' ? ' ' : text[at];
    }
  }
  return decoded;
}

function cookieValues(lines: readonly string[]): string[] {
  return lines
    .flatMap((line) => line.split(';'))
    .filter((pair) => pair.includes('=') && strip(pair.slice(0, pair.indexOf('='))) === 'tenant')
    .map((pair) => strip(pair.slice(pair.indexOf('=') + 1)));
}

function tenantId(text: string): string {
  const isEdge = (c: string | undefined): boolean => c !== undefined && ((c >= 'a' && c <= 'z') || isDigit(c));
  const isRight =
    text.length >= 1 &&
    text.length <= 63 &&
    isEdge(text[0]) &&
    isEdge(text[text.length - 1]) &&
    Array.from(text).every((c) => isEdge(c) || c === '-' || c === '_');
  return isRight ? text : fail();
}

function strip(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && ' \t'.includes(text[start] ?? 'x')) {
    start += 1;
  }
  while (end > start && ' \t'.includes(text[end - 1] ?? 'x')) {
    end -= 1;
  }
  return text.slice(start, end);
}

function isDigit(c: string): boolean {
  return c.length === 1 && c >= '0' && c <= '9';
}

function isLetter(c: string): boolean {
  return c.length === 1 && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
}

function isHex(c: string): boolean {
  return isDigit(c) || (c.length === 1 && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')));
}

function fail(): never {
  throw new Malformed();
}
