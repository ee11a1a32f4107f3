import type { NewHouseTenant } from './tenants.ts';

export interface WelcomeOptions {
  readonly host: string;
  readonly port: number;
  readonly baseDomain: string;
  readonly operatorsPort?: number | undefined;
  readonly tenants: readonly NewHouseTenant[];
}

/** What to open in a browser, and what to try with curl. The Host header does without any DNS. */
export function welcome({ host, port, baseDomain, operatorsPort, tenants }: WelcomeOptions): string {
  const address = `${reachable(host)}:${port}`;
  const curl = (hostName: string, path: string, more = '') =>
    `  curl -H 'Host: ${hostName}:${port}'${more} http://${address}${path}`;
  const newHouse = ` -H 'Content-Type: application/json' -d '{"address":"2 Hill Street"}'`;
  const [first] = tenants;
  return [
    '',
    `Houses, one database per tenant:  http://${address}/`,
    ...tenants.map(
      ({ id, name }) => `  ${name.padEnd(15)} http://${id}.${baseDomain}:${port}/  or  http://${address}/t/${id}/`,
    ),
    '',
    'Try, by subdomain, domain and path:',
    ...tenants.map(({ id }) => curl(`${id}.${baseDomain}`, '/houses')),
    ...tenants.flatMap(({ domains }) => domains?.slice(0, 1).map((domain) => curl(domain, '/houses')) ?? []),
    ...tenants.map(({ id }) => `  curl http://${address}/t/${id}/houses`),
    ...(first === undefined ? [] : ['', 'A new house:', curl(`${first.id}.${baseDomain}`, '/houses', newHouse)]),
    '',
    'A new tenant:',
    `  curl -H 'Content-Type: application/json' -d '{"id":"hooli","name":"Hooli Homes"}' http://${address}/sign-up`,
    ...(operatorsPort === undefined ? [] : ['', `For operators:  http://${reachable(host)}:${operatorsPort}/`]),
    '',
    'Ctrl-C stops everything; the data stays.',
  ].join('\n');
}

/** Where this machine reaches a server that listens on `host`. */
function reachable(host: string): string {
  if (host === '0.0.0.0') {
    return '127.0.0.1';
  }
  return host.includes(':') ? `[${host === '::' ? '::1' : host}]` : host;
}
