import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import type { TenantOrmManager } from 'mikro-orm-multitenancy';
import { dropDatabase, serverUrl, uniqueName } from '../../test/support/databases.ts';
import { buildApp } from '../app.ts';
import { close, listen, portOf } from '../httpServer.ts';
import { openManager } from '../manager.ts';
import { prepareTenants } from '../prepareTenants.ts';
import { DEMO_TENANTS, type HouseTenant } from '../tenants.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, unless `headers` say otherwise. */
  readonly body?: unknown;
}

/** The example with its tenants on databases of their own, on a free port. */
export class ExampleServer implements AsyncDisposable {
  readonly manager: TenantOrmManager<HouseTenant>;
  readonly tenants: readonly HouseTenant[];
  /** What the application reported to its log. */
  readonly errors: unknown[];
  readonly #server: Server;

  private constructor(
    manager: TenantOrmManager<HouseTenant>,
    tenants: readonly HouseTenant[],
    errors: unknown[],
    server: Server,
  ) {
    this.manager = manager;
    this.tenants = tenants;
    this.errors = errors;
    this.#server = server;
  }

  static async start(): Promise<ExampleServer> {
    const tenants = DEMO_TENANTS.map((tenant) => ({ ...tenant, database: uniqueName(tenant.database) }));
    const manager = await openManager(serverUrl(), tenants);
    await prepareTenants(manager, tenants, serverUrl());
    const app = buildApp({ manager, baseDomain: 'localhost' });
    const errors: unknown[] = [];
    app.on('error', (error: unknown) => errors.push(error));
    return new ExampleServer(manager, tenants, errors, await listen(app.callback(), { port: 0, host: '127.0.0.1' }));
  }

  async send(host: string, path: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<Answer> {
    const sent = request({
      host: '127.0.0.1',
      port: portOf(this.#server),
      path,
      method,
      headers: { host, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      agent: false,
    });
    sent.end(typeof body === 'object' ? JSON.stringify(body) : body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode ?? 0, headers: response.headers, text: await text(response) };
  }

  /** The tenant's houses, as the API gives them. */
  async houses(host: string, path = '/houses'): Promise<readonly { readonly id: number; readonly address: string }[]> {
    const answer = await this.send(host, path);
    return JSON.parse(answer.text).houses;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await close(this.#server, 0);
    await this.manager.close();
    await Promise.all(this.tenants.map(({ database }) => dropDatabase(database)));
  }
}
