import pg from 'pg';

/** After this time a server that does not answer a goodbye, or a request to cancel, is not waited for any more. */
const TIMEOUT_MS = 1_000;

/** What `pg` keeps of a connection; every 8.x does, and has no public way to it. */
interface ClientInside {
  readonly host?: string;
  readonly port?: number;
  readonly ssl?: unknown;
  readonly sslNegotiation?: string;
  readonly processID?: number | null;
  readonly secretKey?: number | null;
  readonly connection?: { readonly stream?: { destroy(): void } };
}

interface RawConnection extends NodeJS.EventEmitter {
  connect(port: number, host: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
  readonly stream: { destroy(): void };
}

const RawConnection = (pg as unknown as { readonly Connection: new (config: object) => RawConnection }).Connection;

/** Ends a `pg` client: politely, and after a second by cutting the socket. Never rejects, never hangs. */
export async function endClient(client: pg.Client): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const cut = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      cutClient(client);
      resolve();
    }, TIMEOUT_MS);
    timer.unref();
  });
  try {
    await Promise.race([client.end(), cut]);
  } catch {
    // The socket is gone already, which is what was asked for.
  } finally {
    clearTimeout(timer);
  }
}

/** Cuts the socket of a `pg` client. */
export function cutClient(client: pg.Client): void {
  (client as unknown as ClientInside).connection?.stream?.destroy();
}

/**
 * Asks the server to cancel what the session of `client` does. A cut socket does not end a statement: PostgreSQL
 * notices only when it next writes to it. Resolves when the server has passed it on, or is not reached within a
 * second; never rejects.
 */
export async function cancelStatement(client: pg.Client): Promise<void> {
  const { host, port, ssl, sslNegotiation, processID, secretKey } = client as unknown as ClientInside;
  if (host === undefined || port === undefined || processID == null || secretKey == null) {
    return;
  }
  const connection = new RawConnection({ ssl, sslNegotiation });
  const stop = (): void => connection.stream.destroy();
  const timer = setTimeout(stop, TIMEOUT_MS);
  timer.unref();
  const ask = (): void => connection.cancel(processID, secretKey);
  await new Promise<void>((resolve) => {
    connection.on('error', () => {
      stop();
      resolve();
    });
    connection.once('end', resolve);
    connection.on('connect', () => {
      if (!ssl) {
        ask();
      } else if (sslNegotiation !== 'direct') {
        connection.requestSsl();
      }
    });
    connection.on('sslconnect', ask);
    if (host.startsWith('/')) {
      (connection as unknown as { connect(path: string): void }).connect(`${host}/.s.PGSQL.${port}`);
    } else {
      connection.connect(port, host);
    }
  });
  clearTimeout(timer);
}
