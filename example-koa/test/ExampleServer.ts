import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { adminQuery, dropDatabase, serverUrl, uniqueName } from '../../test/support/databases.ts';
import { buildApp } from '../app.ts';
import type { HouseTenant } from '../central/Customer.ts';
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

interface StartOptions {
  readonly url?: string;
  readonly log?: (line: string) => void;
}

/** The example with its databases under names of their own, on a free port. */
export class ExampleServer implements AsyncDisposable {
  readonly manager: HouseManager;
  /** What the names of all its databases begin with. */
  readonly databasePrefix: string;
  /** Those of the demo. */
  readonly tenants: readonly HouseTenant[];
  /** What the application reported to its log. */
  readonly errors: unknown[];
  readonly #server: Server;

  private constructor(
    manager: HouseManager,
    databasePrefix: string,
    tenants: readonly HouseTenant[],
    errors: unknown[],
    server: Server,
  ) {
    this.manager = manager;
    this.databasePrefix = databasePrefix;
    this.tenants = tenants;
    this.errors = errors;
    this.#server = server;
  }

  /** `url` is of a role that creates the databases, where it is not the one of the tests. `log` takes MikroORM's lines. */
  static async start({ url = serverUrl(), log }: StartOptions = {}): Promise<ExampleServer> {
    const databasePrefix = `${uniqueName('example')}_`;
    const manager = await openManager({ ...optionsOf(databasePrefix, url), ...(log && { log }) });
    await prepareTenants(manager, DEMO_TENANTS);
    const { tenants } = await manager.catalog.list();
    const app = buildApp({ manager, baseDomain: 'localhost' });
    const errors: unknown[] = [];
    app.on('error', (error: unknown) => errors.push(error));
    const server = await listen(app.callback(), { port: 0, host: '127.0.0.1' });
    return new ExampleServer(manager, databasePrefix, tenants, errors, server);
  }

  get port(): number {
    return portOf(this.#server);
  }

  /** Another manager over the same databases, as another process has it. */
  another(): Promise<HouseManager> {
    return openManager(optionsOf(this.databasePrefix, serverUrl()));
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
    const hash = createHash('sha256').update(`${this.databasePrefix}central`).digest('hex').slice(0, 8);
    const rows = await adminQuery<{ name: string }>(
      'select datname as name from pg_database where starts_with(datname, $1) or starts_with(datname, $2)',
      [this.databasePrefix, `tenancy_${hash}_`],
    );
    await Promise.all(rows.map(({ name }) => dropDatabase(name)));
  }
}

const optionsOf = (databasePrefix: string, server: string) => ({
  ...{ server, databasePrefix, baseDomain: 'localhost' },
  centralDatabase: `${databasePrefix}central`,
});
