import { createServer } from 'node:http';
import Koa from 'koa';
import { TestServer } from '../http/TestServer.ts';

export type { Answer } from '../http/TestServer.ts';

/** A Koa application on a port of its own, with the errors that reached it. */
export class KoaServer extends TestServer {
  readonly app: Koa;

  private constructor(app: Koa) {
    super(createServer(app.callback()));
    this.app = app;
    app.on('error', (error: unknown) => this.errors.push(error));
  }

  static async start(...middleware: readonly Koa.Middleware[]): Promise<KoaServer> {
    const app = new Koa();
    for (const each of middleware) {
      app.use(each);
    }
    return new KoaServer(app).listening();
  }
}
