import { once } from 'node:events';
import type { Socket } from 'node:net';
import type pg from 'pg';
import { ListeningServer } from '../support/connections/ListeningServer.ts';
import { type Clause, expectThat, type Peers } from './Clause.ts';
import { unconnected } from './subjects.ts';

/** What `pg` has inside a client. */
interface ClientInside {
  readonly host?: unknown;
  readonly port?: unknown;
  readonly processID?: unknown;
  readonly secretKey?: unknown;
  readonly readyForQuery?: unknown;
  readonly ref?: unknown;
  readonly unref?: unknown;
  readonly connection?: NodeJS.EventEmitter & { readonly stream?: { destroy(): void } };
}

interface RawConnection extends NodeJS.EventEmitter {
  connect(port: number, host: string): void;
  cancel(processId: unknown, secretKey: unknown): void;
  readonly stream: { destroy(): void };
}

/** What Kysely asks a pool and its clients for. */
const POOL = ['Client', 'connect', 'end', 'options'];
const CLIENT = ['processID', 'query', 'release'];

/** What is between MikroORM and a socket. */
export const connectionClauses: readonly Clause[] = [
  {
    of: 'kysely',
    holds: 'with `supportsMultipleConnections`, a dialect of SQLite is asked for a connection by each who needs one',
    reliedOnBy: ['files/SqliteTenantDialect.ts'],
    to: 'read a file while a transaction writes to it',
    check: async ({ kysely }) => {
      let lent = 0;
      let most = 0;
      const released = Promise.withResolvers<void>();
      const connection = () => ({
        executeQuery: async () => {
          most = Math.max(most, lent);
          if (lent === 2) {
            released.resolve();
          }
          await released.promise;
          return { rows: [] };
        },
        async *streamQuery() {},
      });
      class Dialect extends kysely.SqliteDialect {
        override createAdapter() {
          return Object.defineProperty(super.createAdapter(), 'supportsMultipleConnections', { value: true });
        }
        override createDriver() {
          return Object.assign(super.createDriver(), {
            init: async () => {},
            destroy: async () => {},
            acquireConnection: async () => {
              lent += 1;
              return connection();
            },
            releaseConnection: async () => {
              lent -= 1;
            },
          });
        }
      }
      const database = new kysely.Kysely<never>({ dialect: new Dialect({ database: {} as never }) });
      const late = setTimeout(() => released.resolve(), 1_000);
      await Promise.all([1, 2].map(() => kysely.sql`select 1`.execute(database)));
      clearTimeout(late);
      expectThat(most === 2 && lent === 0, `${most} are lent at once, and ${lent} are left`);
    },
  },
  {
    of: 'kysely',
    holds:
      'of a pool it reads `connect`, `end`, `options` and `Client`, and of a connection `query`, `release`, `processID`',
    reliedOnBy: ['connections/TenantPool.ts', 'connections/TenantConnection.ts', 'migrations/MigrationPool.ts'],
    to: 'be a pool to it, and count every connection',
    check: async (peers) => {
      const pool = new peers.pg.Pool({ connectionString: peers.databaseUrl, max: 1 });
      const read = { pool: new Set<string>(), client: new Set<string>() };
      const watched = watching(pool, read.pool, (name, value) =>
        name === 'Client'
          ? undefined
          : name === 'connect'
            ? async () => watching(await pool.connect(), read.client, (_, of) => of)
            : value,
      );
      const dialect = new peers.kysely.PostgresDialect({ pool: watched, cursor: peers.Cursor });
      const database = new peers.kysely.Kysely<never>({ dialect });
      await peers.kysely.sql`select 1`.execute(database);
      await database.transaction().execute((transaction) => peers.kysely.sql`select 1`.execute(transaction));
      const stream = database.selectNoFrom((eb) => eb.lit(1).as('one')).stream();
      for await (const row of stream) {
        expectThat((row as { one: number }).one === 1, 'a cursor gives something else');
      }
      await database.destroy();
      expectOnly('a pool', read.pool, POOL);
      expectOnly('a connection', read.client, CLIENT);
      expectThat(read.client.has('release') && read.pool.has('end'), 'it neither releases nor ends');
    },
  },
  {
    of: 'kysely',
    holds: 'a dialect makes the driver, whose `init` is called once however many ask at the same time',
    reliedOnBy: ['orm/TenantDialect.ts'],
    to: 'keep the request that came first, with its entities, from being held as long as the tenant is open',
    check: async (peers) => {
      const { PostgresDialect, PostgresDriver, Kysely, sql } = peers.kysely;
      let calls = 0;
      class Driver extends PostgresDriver {
        override init(...args: Parameters<InstanceType<typeof PostgresDriver>['init']>): Promise<void> {
          calls += 1;
          return super.init(...args);
        }
      }
      const pool = new peers.pg.Pool({ connectionString: peers.databaseUrl });
      class Dialect extends PostgresDialect {
        override createDriver(): InstanceType<typeof PostgresDriver> {
          return new Driver({ pool });
        }
      }
      const database = new Kysely<never>({ dialect: new Dialect({ pool }) });
      await Promise.all([sql`select 1`.execute(database), sql`select 2`.execute(database)]);
      await database.destroy();
      expectThat(calls === 1, `it is called ${calls} times`);
    },
  },
  {
    of: '@mikro-orm/postgresql',
    holds: '`orm.close` ends the pool of the dialect, also when nothing was sent on it yet',
    reliedOnBy: ['orm/OpenTenants.ts', 'orm/TenantOrm.ts'],
    to: "let the application close a tenant's ORM itself",
    check: async (peers) => {
      let ended = 0;
      const pool = {
        options: {},
        connect: () => Promise.reject(new Error('no connection')),
        end: async () => {
          ended += 1;
        },
      };
      const { orm } = unconnected(peers, { driverOptions: () => new peers.kysely.PostgresDialect({ pool }) });
      await orm.em
        .fork()
        .execute('select 1')
        .catch(() => {});
      await orm.close();
      expectThat(ended === 1, `it is ended ${ended} times`);
    },
  },
  {
    of: 'pg',
    holds: 'a client has its address, `processID`, `secretKey`, `connection.stream`, `ref` and `unref`',
    reliedOnBy: ['connections/endClient.ts', 'connections/TenantConnection.ts', 'central/CatalogSession.ts'],
    to: 'cancel a statement, cut a socket that does not answer, and let a process end',
    check: (peers) =>
      withClient(peers, async (client) => {
        const { host, port, processID, secretKey, connection, ref, unref } = inside(client);
        expectThat(typeof host === 'string' && typeof port === 'number', 'it has no address');
        expectThat(typeof processID === 'number' && typeof secretKey === 'number', 'it has no key');
        expectThat(typeof ref === 'function' && typeof unref === 'function', 'it has no `ref` and `unref`');
        client.on('error', () => {});
        const gone = new Promise<void>((resolve) => void client.once('end', resolve));
        connection?.stream?.destroy();
        await gone;
      }),
  },
  {
    of: 'pg',
    holds: '`readyForQuery` is false while a statement is under way, and its connection says when it is true again',
    reliedOnBy: ['connections/TenantConnection.ts'],
    to: 'use no connection again that is not back in the state in which it was lent',
    check: (peers) =>
      withClient(peers, async (client) => {
        expectThat(inside(client).readyForQuery === true, 'it is not true at first');
        const failing = client.query('begin; select 1 / 0');
        expectThat(inside(client).readyForQuery === false, 'it is true while a statement is under way');
        const ready = once(inside(client).connection as NodeJS.EventEmitter, 'readyForQuery');
        await failing.catch(() => {});
        await ready;
        expectThat(inside(client).readyForQuery === true, 'it is not true in the end');
        expectThat(
          client.getTransactionStatus() === 'E',
          `after an error the status is ${client.getTransactionStatus()}`,
        );
        await client.query('rollback');
        expectThat(client.getTransactionStatus() === 'I', `the status is ${client.getTransactionStatus()}`);
      }),
  },
  {
    of: 'pg',
    holds: '`pg.Connection` sends a request to cancel by the `processID` and `secretKey` of a client',
    reliedOnBy: ['connections/endClient.ts'],
    to: 'end the statement of a connection that was taken from its user',
    check: (peers) =>
      withClient(peers, async (client) => {
        let error: { readonly code?: unknown } | undefined;
        const asleep = client.query('select pg_sleep(60)').catch((reason: unknown) => {
          error = reason as { readonly code?: unknown };
        });
        // A request that is there before the statement cancels nothing.
        while (error === undefined) {
          await requestCancel(peers, inside(client));
        }
        await asleep;
        expectThat(error.code === '57014', `the statement came to: ${String(error.code)}`);
      }),
  },
  {
    of: 'pg-cursor',
    holds: 'a cursor has its `text`, `close` and `handleError`',
    reliedOnBy: ['connections/TenantConnection.ts'],
    to: "refuse a read-only tenant's writes by a cursor, and end one whose connection is gone",
    check: ({ Cursor }) => {
      const cursor = new Cursor('select 1') as unknown as Record<string, unknown>;
      expectThat(cursor['text'] === 'select 1', 'it has no `text`');
      expectThat(typeof cursor['close'] === 'function', 'it has no `close`');
      expectThat(typeof cursor['handleError'] === 'function', 'it has no `handleError`');
    },
  },
  {
    of: '@mikro-orm/postgresql',
    holds: '`createPostgreSqlTypeParsers` gives the parsers of its own connections, by the oid of the type',
    reliedOnBy: ['connections/openClient.ts', 'pglite/PgliteFolders.ts'],
    to: 'read values as MikroORM does',
    check: ({ postgresql }) => {
      const parsers = postgresql.createPostgreSqlTypeParsers((text) => [text]);
      const timestamptz = parsers[1184];
      expectThat(typeof timestamptz === 'function', 'there is none for timestamps');
      expectThat(timestamptz?.('2026-01-01 00:00:00+00') === '2026-01-01 00:00:00+00', 'a timestamp is no text');
    },
  },
  {
    of: 'mysql2',
    holds: 'a connection has its socket as `stream`, which can be cut, and then calls nobody back who waits',
    reliedOnBy: ['mysql/mysqlClient.ts', 'mysql/MysqlConnection.ts'],
    to: 'cut a connection at once, and tell those who wait on it by itself',
    check: async ({ mysql2 }) => {
      const silent = await ListeningServer.start(0, () => {});
      try {
        const client = mysql2.createConnection({ host: '127.0.0.1', port: silent.port }).on('error', () => {});
        const { stream } = client as unknown as { readonly stream?: Partial<Socket> };
        expectThat(typeof stream?.destroy === 'function', 'it has no `stream`');
        let isCalled = false;
        client.query('select 1', () => {
          isCalled = true;
        });
        const closed = once(stream as Socket, 'close');
        client.destroy();
        stream?.destroy?.();
        await closed;
        await new Promise((resolve) => setImmediate(resolve));
        expectThat(!isCalled, 'it calls back');
      } finally {
        await silent[Symbol.asyncDispose]();
      }
    },
  },
];

async function requestCancel({ pg: of }: Peers, { host, port, processID, secretKey }: ClientInside): Promise<void> {
  const { Connection } = of as unknown as { readonly Connection: new (config: object) => RawConnection };
  const raw = new Connection({});
  const connected = once(raw, 'connect');
  raw.connect(port as number, host as string);
  await connected;
  const answered = once(raw, 'end');
  raw.cancel(processID, secretKey);
  await answered;
}

async function withClient(peers: Peers, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new peers.pg.Client({ connectionString: peers.databaseUrl });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

const inside = (client: pg.Client): ClientInside => client as unknown as ClientInside;

/** `target`, whose properties are noted in `read` when they are read; `instead` may give other values. */
function watching<T extends object>(
  target: T,
  read: Set<string>,
  instead: (name: string, value: unknown) => unknown,
): T {
  return new Proxy(target, {
    get(of, property) {
      const value: unknown = Reflect.get(of, property, of);
      // Whether it is a promise is asked of everything that is awaited.
      if (typeof property === 'string' && property !== 'then') {
        read.add(property);
        const given = instead(property, value);
        return typeof given === 'function' && given === value ? given.bind(of) : given;
      }
      return value;
    },
  });
}

function expectOnly(what: string, read: ReadonlySet<string>, known: readonly string[]): void {
  const more = [...read].filter((name) => !known.includes(name));
  expectThat(more.length === 0, `of ${what} it reads ${more.join(', ')} as well`);
}
