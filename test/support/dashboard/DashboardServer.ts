import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import Koa from 'koa';
import type { Tenant } from 'mikro-orm-multitenancy';
import { type DashboardManager, type DashboardOptions, dashboard } from 'mikro-orm-multitenancy/dashboard';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The dashboard in a Koa application on a port of its own, and who uses it: a browser with its cookies, without scripts. */
export class DashboardServer implements AsyncDisposable {
  readonly app: Koa;
  /** What reached the application. */
  readonly errors: unknown[] = [];
  readonly #server: Server;
  #cookie: string | undefined;

  private constructor(app: Koa) {
    this.app = app;
    app.on('error', (error: unknown) => this.errors.push(error));
    this.#server = createServer(app.callback());
  }

  /** At `/operators`, open to everybody unless the options say otherwise. */
  static async start<T extends Tenant>(
    manager: DashboardManager<T>,
    options: Partial<DashboardOptions<T>> = {},
  ): Promise<DashboardServer> {
    return DashboardServer.of(dashboard(manager, { prefix: '/operators', authorize: () => true, ...options }));
  }

  static async of(...middleware: readonly Koa.Middleware[]): Promise<DashboardServer> {
    const app = new Koa();
    for (const each of middleware) {
      app.use(each);
    }
    const started = new DashboardServer(app);
    started.#server.listen(0, '127.0.0.1');
    await once(started.#server, 'listening');
    return started;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async send(
    path: string,
    { method = 'GET', headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ): Promise<Answer> {
    const cookie = this.#cookie === undefined ? {} : { cookie: this.#cookie };
    const sent = request({
      host: '127.0.0.1',
      port: this.port,
      path,
      method,
      headers: { ...cookie, ...headers },
      agent: false,
    });
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const [set] = response.headers['set-cookie'] ?? [];
    this.#cookie = set?.split(';')[0] ?? this.#cookie;
    return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
  }

  /** A page that is there. */
  async page(path: string): Promise<string> {
    const { status, body } = await this.send(path);
    if (status !== 200) {
      throw new Error(`${path}: ${status} ${body}`);
    }
    return body;
  }

  /** The token in the form at this path. */
  async tokenAt(path: string): Promise<string> {
    return /name="token" value="([^"]+)"/.exec(await this.page(path))?.[1] ?? '';
  }

  post(path: string, fields: Readonly<Record<string, string>>, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send(path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: this.origin, ...headers },
      body: new URLSearchParams(fields).toString(),
    });
  }

  /** Opens the question and answers it with yes. */
  async confirm(path: string, fields: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.post(path, { token: await this.tokenAt(path), ...fields });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
