import { type Connection, type ConnectionOptions, createConnection } from 'mysql2';

/** What `mysql2` keeps of a connection, and has no public way to. */
interface ClientInside {
  readonly stream?: { destroy(): void };
}

/** After this time a server that does not answer a goodbye, or whether it is there, is not waited for any more. */
const TIMEOUT_MS = 1_000;

/** A client that has begun to connect. An error of it that nobody waits for ends nothing. */
export function newClient(options: ConnectionOptions): Connection {
  return createConnection(options).on('error', () => {});
}

/** What a method of `mysql2` calls back with. */
export function called<R>(work: (done: (error: Error | null, result?: R) => void) => void): Promise<R> {
  return new Promise((resolve, reject) => {
    work((error, result) => (error === null || error === undefined ? resolve(result as R) : reject(error)));
  });
}

/** Sends one statement as text, the way MikroORM's and Kysely's own drivers do. */
export function send<R>(client: Connection, sql: string, values: readonly unknown[] = []): Promise<R> {
  return called((done) => client.query({ sql, values: [...values] }, (error, result) => done(error, result as R)));
}

/** Whether the server still answers. Never rejects, never hangs. */
export function answers(client: Connection): Promise<boolean> {
  return inTime(called<void>((done) => client.ping(done)));
}

/** Says goodbye, and cuts the socket where nobody listens. Never rejects, never hangs. */
export async function endClient(client: Connection): Promise<void> {
  await inTime(called<void>((done) => client.end(done)));
  cutClient(client);
}

/** `destroy` of `mysql2` still sends what is to be sent, and waits for the server to hang up. */
export function cutClient(client: Connection): void {
  client.destroy();
  (client as unknown as ClientInside).stream?.destroy();
}

/** Whether `work` came to a good end in time. Never rejects, never hangs. */
export async function inTime(work: Promise<unknown>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, TIMEOUT_MS, false);
  timer.unref();
  try {
    return await Promise.race([work.then(() => true), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
