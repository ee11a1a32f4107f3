import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  type SessionOption,
  type SqlCommentOption,
  TenancyConfigurationError,
  type Tenant,
} from 'mikro-orm-multitenancy';
import { from as copyFrom } from 'pg-copy-streams';
import { PostgresServer } from '../../../src/connections/PostgresServer.ts';
import { checkServer } from '../../../src/connections/ServerOptions.ts';
import { NO_SESSION, sessionWith } from '../../../src/connections/SessionSettings.ts';
import { type LentConnection, TenantPool } from '../../../src/connections/TenantPool.ts';
import { TenancyEmitter } from '../../../src/events.ts';
import { adminQuery, serverUrl } from '../../support/databases.ts';
import { House, TestTenants } from '../../support/manager/TestTenants.ts';
import { describeWithPgBouncer } from '../../support/pgbouncer/describeWithPgBouncer.ts';
import { PgBouncer } from '../../support/pgbouncer/PgBouncer.ts';
import { RecordingProxy } from '../../support/pgbouncer/RecordingProxy.ts';

const IDS = ['acme', 'globex', 'initech'] as const;
/** Fewer server connections than clients, so that one tenant's session has had the comments of many clients. */
const POOL_SIZE = 2;
/** The statement asks what the server shows of it. */
const SHOWN = 'select query from pg_stat_activity where pid = pg_backend_pid()';

interface Shown {
  readonly query: string;
}

describeWithPgBouncer('an SQL comment with the tenant, through PgBouncer in transaction mode', () => {
  let pooler: PgBouncer;
  let tenants: TestTenants;
  beforeAll(async () => {
    pooler = await PgBouncer.start(serverUrl(), { poolSize: POOL_SIZE });
    tenants = await TestTenants.create([...IDS]);
  });
  afterAll(async () => {
    await pooler[Symbol.asyncDispose]();
    await tenants[Symbol.asyncDispose]();
  });

  const managerWith = (
    sqlComment: SqlCommentOption,
    { url = pooler.url, session }: { readonly url?: string; readonly session?: SessionOption | undefined } = {},
  ) =>
    tenants.manager({
      server: { url, directUrl: serverUrl(), maxConnectionsPerTenant: 8, session },
      sqlComment,
    });

  /** With settings a statement is sent within a transaction, or in one message with them. */
  const sessions: readonly (readonly [string, SessionOption | undefined])[] = [
    ['without settings of a session', undefined],
    ['with settings that go with each transaction', { statementTimeoutMs: 20_000 }],
  ];

  it.each(sessions)('arrives at the end of each statement, of whichever tenant, %s', async (_how, session) => {
    const manager = await managerWith(true, { session });
    const seen = await Promise.all(
      Array.from({ length: 90 }, async (_, n) => {
        const id = IDS[n % IDS.length] ?? '';
        const rows = await manager.run(id, async (em): Promise<readonly Shown[]> => {
          switch (n % 4) {
            case 0:
              return em.execute<Shown[]>(SHOWN);
            case 1:
              return em.transactional((tx) => tx.execute<Shown[]>(SHOWN));
            case 2: {
              const { rows } = await sql<Shown>`${sql.raw(SHOWN)} and pid > ${0}`.execute(em.getKysely());
              return rows;
            }
            default: {
              const streamed: Shown[] = [];
              for await (const row of em.getConnection().stream(SHOWN)) {
                streamed.push(row as unknown as Shown);
              }
              return streamed;
            }
          }
        });
        return { id, query: rows[0]?.query };
      }),
    );
    expect(seen.filter(({ id, query }) => query?.endsWith(`\n/*tenant='${id}'*/`) !== true)).toEqual([]);
    expect(seen.filter(({ query }) => query?.includes('pid > $1'))).not.toEqual([]);
    await manager.close();
  });

  it.each(sessions)('lets transactions be whole, which are undone when they throw, %s', async (_how, session) => {
    const manager = await managerWith(true, { session });
    const numbers = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => n + (session === undefined ? 0 : 1_000));
    const write = (address: string, id: number) =>
      manager.run(address, (em) =>
        em.transactional(async (tx) => {
          const pids = new Set<number | undefined>();
          for (const each of [id, 100 + id]) {
            tx.create(House, { id: each, address });
            await tx.flush();
            pids.add((await tx.execute<{ pid: number }[]>('select pg_backend_pid() as pid'))[0]?.pid);
          }
          if (id % 4 === 0) {
            throw new Error('undone');
          }
          return pids.size;
        }),
      );
    const outcomes = await Promise.allSettled(IDS.flatMap((id) => numbers.map((n) => write(id, n))));
    const served = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    expect(served.map(({ value }) => value)).toEqual(Array.from({ length: 6 * IDS.length }, () => 1));
    const kept = numbers.filter((n) => n % 4 !== 0);
    for (const id of IDS) {
      const houses = await manager.run(id, (em) =>
        em.find(House, { id: { $in: [...numbers, ...numbers.map((n) => 100 + n)] } }),
      );
      expect(houses.map((house) => house.id).sort((a, b) => a - b)).toEqual([...kept, ...kept.map((n) => 100 + n)]);
      expect(new Set(houses.map(({ address }) => address))).toEqual(new Set([id]));
    }
    await manager.close();
  });

  it('lets statements be prepared: by the application within a transaction, and by the driver without a name', async () => {
    await using recorded = await RecordingProxy.start(pooler.url);
    // Another comment each time, with which the same statement is another text.
    let count = 0;
    const manager = await managerWith(() => ({ n: ++count }), { url: recorded.url });
    const prepared = (id: string) =>
      manager.run(id, (em) =>
        em.transactional(async (tx) => {
          await tx.execute(`prepare shown (int) as ${SHOWN} and pid > $1`);
          const [first] = await tx.execute<Shown[]>('execute shown (0)');
          const [second] = await tx.execute<Shown[]>('execute shown (0)');
          await tx.execute('deallocate shown');
          return [first?.query, second?.query];
        }),
      );
    for (const id of [...IDS, ...IDS]) {
      const of = new RegExp(`^execute shown \\(0\\)\\n/\\*n='\\d+',tenant='${id}'\\*/$`);
      expect(await prepared(id)).toEqual([expect.stringMatching(of), expect.stringMatching(of)]);
    }
    const many = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        manager.run(IDS[n % IDS.length] ?? '', async (em) => {
          const { rows } = await sql<{ one: number }>`select ${n}::int as one`.execute(em.getKysely());
          return rows[0]?.one;
        }),
      ),
    );
    expect(many).toEqual(Array.from({ length: 30 }, (_, n) => n));
    const parsed = recorded.messages.filter(({ type }) => type === 'P');
    expect(parsed.length).toBeGreaterThanOrEqual(30);
    // The body of a `P` message begins with the name, which ends with a zero byte.
    expect(parsed.filter(({ body }) => !body.startsWith('\0'))).toEqual([]);
    await manager.close();
  });

  it('is on what fails, which fails as it does without one', async () => {
    const manager = await managerWith(true, { session: { statementTimeoutMs: 250 } });
    const failing = (statement: string) => manager.run('acme', (em) => em.execute(statement));
    await expect(failing('select 1 / 0')).rejects.toThrow('division by zero');
    await expect(failing('select pg_sleep(30)')).rejects.toThrow(/statement timeout/);
    // What the comment would hide if it did not begin on a line of its own.
    expect(await failing('select 1 as one -- to the end')).toEqual([{ one: 1 }]);
    await expect(failing('select 1 as one /* without an end')).rejects.toThrow(/comment/);
    expect(await manager.run('globex', (em) => em.execute<Shown[]>(SHOWN))).toEqual([
      { query: expect.stringMatching(/\/\*tenant='globex'\*\/$/) },
    ]);
    await manager.close();
  });

  const HOSTILE = "*/; delete from house; /* ' -- \\' $1 ? %2A \n \u{1f3e0}";

  it('holds no id that could end it: such a tenant gets no connection at all', async () => {
    const tenant: Tenant = { id: HOSTILE, database: tenants.databaseOf('acme') };
    await using recorded = await RecordingProxy.start(pooler.url);
    const manager = await tenants.manager({
      server: { url: recorded.url, directUrl: serverUrl() },
      sqlComment: true,
      catalog: {
        find: async () => tenant,
        findByDomain: async () => tenant,
        list: async () => ({ tenants: [tenant], next: undefined }),
      },
    });
    await expect(manager.run(HOSTILE, (em) => em.count(House))).rejects.toThrow(TenancyConfigurationError);
    await expect(manager.run('acme', (em) => em.count(House))).rejects.toThrow(TenancyConfigurationError);
    expect(recorded.messages).toEqual([]);
    await manager.close();
  });

  it.each([
    ['without settings of a session', NO_SESSION],
    ['with settings that go with each transaction', sessionWith({ statementTimeoutMs: 20_000 })],
  ] as const)('would not be ended by such an id either, %s', async (_how, session) => {
    await adminQuery(
      "insert into house (id, address) values (5000, 'stays') on conflict do nothing",
      [],
      tenants.databaseOf('acme'),
    );
    const server = new PostgresServer(
      'default',
      checkServer('default', { url: pooler.url, directUrl: serverUrl() }),
      new TenancyEmitter(),
      { sqlComment: () => ({ [HOSTILE]: HOSTILE }) },
    );
    const database = tenants.databaseOf('acme');
    const pool = new TenantPool(server.requests({ tenantId: HOSTILE, database, session, weight: 1 }), {
      graceMs: () => 0,
    });
    const written = async (connection: LentConnection, text: string, values: readonly unknown[]): Promise<string> => {
      const { rows } = await connection.query(text, values);
      const [, comment = ''] = /\n\/\*([^*/]*)\*\/$/.exec(String(rows[0]?.query)) ?? [];
      return comment;
    };
    const connection = await pool.connect();
    const comments = [
      await written(connection, SHOWN, []),
      await written(connection, `${SHOWN} and pid > $1`, [0]),
      await written(connection, `${SHOWN} -- to the end`, []),
    ];
    for (const comment of comments) {
      const pairs = comment
        .split(',')
        .map((pair) => /^([^=']*)='([^']*)'$/.exec(pair)?.slice(1).map(decodeURIComponent));
      expect(pairs).toEqual([
        [HOSTILE, HOSTILE],
        ['tenant', HOSTILE],
      ]);
    }
    await connection.query('begin', []);
    await pipeline(
      Readable.from(['5001\tcopied\n']),
      connection.query(copyFrom('copy house (id, address) from stdin')),
    );
    await connection.query('rollback', []);
    const { rows } = await connection.query('select address from house where id in (5000, 5001)', []);
    expect(rows).toEqual([{ address: 'stays' }]);
    connection.release();
    await pool.close('the test is over', 0);
    server.stop();
  });
});
