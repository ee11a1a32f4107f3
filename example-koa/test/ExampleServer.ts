import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { dropDatabase, serverUrl, uniqueName } from '../../test/support/databases.ts';
import { buildApp } from '../app.ts';
import type { HouseTenant } from '../central/Customer.ts';
import type { TenantCreation } from '../createTenant.ts';
import { close, listen, portOf } from '../httpServer.ts';
import { type HouseManager, openManager } from '../manager.ts';
import { prepareTenants } from '../prepareTenants.ts';
import { DEMO_TENANTS } from '../tenants.ts';

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

/** The example with its databases under names of their own, on a free port. */
export class ExampleServer implements AsyncDisposable {
  readonly manager: HouseManager;
  readonly creation: TenantCreation;
  readonly centralDatabase: string;
  /** Those of the demo. */
  readonly tenants: readonly HouseTenant[];
  /** What the application reported to its log. */
  readonly errors: unknown[];
  readonly #server: Server;

  private constructor(
    creation: TenantCreation,
    centralDatabase: string,
    tenants: readonly HouseTenant[],
    errors: unknown[],
    server: Server,
  ) {
    this.manager = creation.manager;
    this.creation = creation;
    this.centralDatabase = centralDatabase;
    this.tenants = tenants;
    this.errors = errors;
    this.#server = server;
  }

  /** `creatorUrl` is of a role that creates the databases, where it is not the one of the tests. */
  static async start({ creatorUrl = serverUrl() } = {}): Promise<ExampleServer> {
    const name = uniqueName('example');
    const centralDatabase = `${name}_central`;
    const manager = await openManager({ server: serverUrl(), centralDatabase, baseDomain: 'localhost' });
    const creation = { manager, serverUrl: creatorUrl, databasePrefix: `${name}_` };
    await prepareTenants(creation, DEMO_TENANTS);
    const { tenants } = await manager.catalog.list();
    const app = buildApp({ ...creation, baseDomain: 'localhost' });
    const errors: unknown[] = [];
    app.on('error', (error: unknown) => errors.push(error));
    const server = await listen(app.callback(), { port: 0, host: '127.0.0.1' });
    return new ExampleServer(creation, centralDatabase, tenants, errors, server);
  }

  get port(): number {
    return portOf(this.#server);
  }

  /** Another manager over the same databases, as another process has it. */
  another(): Promise<HouseManager> {
    return openManager({ server: serverUrl(), centralDatabase: this.centralDatabase, baseDomain: 'localhost' });
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
    const { tenants } = await this.manager.catalog.list();
    await this.manager.close();
    await Promise.all([...tenants.map(({ database }) => database), this.centralDatabase].map(dropDatabase));
  }
}
