import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Config } from './config.ts';
import { StartError } from './StartError.ts';

const IDLE_POLL_MS = 100;

/** Listens on the port of `config`. Throws {@link StartError} when it is in use or not allowed. */
export async function listen(handler: RequestListener, { port, host }: Pick<Config, 'port' | 'host'>): Promise<Server> {
  const server = createServer(handler);
  // Longer than proxies keep theirs (often 60 s), or a proxy may send a request on a connection that we are closing.
  server.keepAliveTimeout = 65_000;
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw startErrorOf(error as NodeJS.ErrnoException, `${host}:${port}`, port);
  }
  return server;
}

/** Takes the port for a moment: whether it is in use should be known before anything else is started. */
export async function assertPortFree(config: Config): Promise<void> {
  const server = await listen(() => {}, config);
  await close(server, 0);
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Takes no further connections, lets requests under way finish, and cuts them off after `timeoutMs`. */
export async function close(server: Server, timeoutMs: number): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  // A connection becomes idle when its last answer is out, and would be kept for the next request.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_POLL_MS);
  const deadline = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await closed;
  clearInterval(idle);
  clearTimeout(deadline);
}

function startErrorOf({ code, message }: NodeJS.ErrnoException, address: string, port: number): StartError {
  switch (code) {
    case 'EADDRINUSE':
      return new StartError(`${address} is in use by another program. Stop it, or choose a port: PORT=${port + 1}.`);
    case 'EACCES':
      return new StartError(`${address} is not allowed to this user. Choose a port from 1024 on: PORT=3000.`);
    default:
      return new StartError(`Cannot listen on ${address}: ${message}. Look at HOST and PORT.`);
  }
}
