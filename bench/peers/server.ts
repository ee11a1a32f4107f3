// A process of `bench:peers`: the same Koa application, with the database layer that the parent asks for.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import type { PeerServerOptions } from './PeerProcess.ts';
import type { Side, SideOptions } from './sides/Side.ts';

const { is, ...options } = JSON.parse(process.argv[2] ?? '') as PeerServerOptions;
const { open } = (await import(`./sides/${is}.ts`)) as { readonly open: (o: SideOptions) => Side | Promise<Side> };
const side = await open(options);

/** The most telling code that an error or one of its causes has: ORMs wrap those of the database. */
function codeOf(error: unknown): string {
  const { code, cause, name, status } = error as Partial<Record<'code' | 'name' | 'status', string>> & {
    readonly cause?: unknown;
  };
  return cause instanceof Error ? codeOf(cause) : String(code ?? status ?? name);
}

const app = new Koa();
app.use(async (ctx, next) => {
  try {
    await next();
  } catch (error) {
    const { status } = error as { readonly status?: unknown };
    ctx.status = typeof status === 'number' ? status : 500;
    ctx.body = codeOf(error);
  }
});
app.use(side.middleware);
app.use(async (ctx) => {
  ctx.body = await side.list(Number(ctx.path.slice(1)));
});
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
server.keepAliveTimeout = 0;

process.on('message', (question: 'cpu' | 'memory') => {
  if (question === 'cpu') {
    const { user, system } = process.cpuUsage();
    process.send?.(user + system);
    return;
  }
  for (let turn = 0; turn < 4; turn += 1) {
    globalThis.gc?.();
  }
  const { heapUsed, rss } = process.memoryUsage();
  process.send?.({ heapUsed, rss });
});
process.once('disconnect', () => {
  server.closeAllConnections();
  server.close();
  // Some of them do not close when a connection failed; the connections end with the process.
  void Promise.race([side.close(), new Promise((resolve) => setTimeout(resolve, 2_000))]).finally(() => process.exit());
});
process.send?.({ port: (server.address() as AddressInfo).port });
