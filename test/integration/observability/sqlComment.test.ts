import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  currentTenant,
  type SqlCommentOption,
  TenancyConfigurationError,
  TenantReadOnlyError,
} from 'mikro-orm-multitenancy';
import { from as copyFrom } from 'pg-copy-streams';
import { PostgresServer } from '../../../src/connections/PostgresServer.ts';
import { checkServer } from '../../../src/connections/ServerOptions.ts';
import { NO_SESSION, sessionWith } from '../../../src/connections/SessionSettings.ts';
import { TenantPool } from '../../../src/connections/TenantPool.ts';
import { TenancyEmitter } from '../../../src/events.ts';
import { adminQuery, serverUrl } from '../../support/databases.ts';
import { House, TestTenants } from '../../support/manager/TestTenants.ts';

/** The statement asks what the server shows of it. */
const SHOWN = 'select query from pg_stat_activity where pid = pg_backend_pid()';

describe('an SQL comment with the tenant', () => {
  let tenants: TestTenants;
  beforeAll(async () => {
    tenants = await TestTenants.create(['acme', 'globex']);
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  const managerWith = (sqlComment?: SqlCommentOption) => tenants.manager({ sqlComment });

  it('is not there by default', async () => {
    const manager = await managerWith();
    expect(await manager.run('acme', (em) => em.execute(SHOWN))).toEqual([{ query: SHOWN }]);
    await manager.close();
  });

  it('ends each statement, as pg_stat_activity shows, also in nested runs and after one that threw', async () => {
    const manager = await managerWith(true);
    const shown = await manager.run('acme', async (em) => {
      const inner = await manager.run('globex', (other) => other.execute<{ query: string }[]>(SHOWN));
      await expect(manager.run('globex', (other) => other.execute('select 1 / 0'))).rejects.toThrow('zero');
      return [...inner, ...(await em.execute<{ query: string }[]>(SHOWN))];
    });
    expect(shown.map(({ query }) => query)).toEqual([`${SHOWN}\n/*tenant='globex'*/`, `${SHOWN}\n/*tenant='acme'*/`]);
    await manager.close();
  });

  it('is that of the connection, whoever’s context the statement is sent in', async () => {
    const manager = await managerWith(({ tenantId }) => ({ asked: tenantId, caller: currentTenant()?.id }));
    await using lease = await manager.acquire('acme');
    const shown = await manager.run('globex', () => lease.orm.em.fork().execute(SHOWN));
    expect(shown).toEqual([{ query: `${SHOWN}\n/*asked='acme',caller='globex',tenant='acme'*/` }]);
    lease.release();
    await manager.close();
  });

  it('is on the statements of a transaction, its begin among them', async () => {
    const manager = await managerWith(true);
    const [row] = await manager.run('acme', (em) =>
      em.transactional(async (tx) => {
        const [{ pid } = { pid: 0 }] = await tx.execute<{ pid: number }[]>('select pg_backend_pid() as pid');
        return adminQuery<{ query: string }>('select query from pg_stat_activity where pid = $1', [pid]);
      }),
    );
    expect(row?.query).toBe("select pg_backend_pid() as pid\n/*tenant='acme'*/");
    await manager.close();
  });

  it('survives a statement that ends with a comment of its own, a semicolon, or parameters', async () => {
    const manager = await managerWith(true);
    const shown = await manager.run('acme', async (em) => [
      await em.execute(`${SHOWN} -- to the end`),
      await em.execute(`${SHOWN};`),
      await em.execute(`${SHOWN} and pid > ?`, [0]),
    ]);
    expect(shown.flat().map((row) => (row as { query: string }).query)).toEqual([
      `${SHOWN} -- to the end\n/*tenant='acme'*/`,
      `${SHOWN};\n/*tenant='acme'*/`,
      `${SHOWN} and pid > 0\n/*tenant='acme'*/`,
    ]);
    await manager.close();
  });

  it('does no harm by what a field holds', async () => {
    const hostile = "*/ ; delete from house; /* ' \\' $1 ? \0 \ud800";
    const manager = await managerWith(() => ({ [hostile]: hostile }));
    await adminQuery("insert into house (address) values ('1 Main Street')", [], tenants.databaseOf('acme'));
    const count = await manager.run('acme', async (em) => {
      await em.execute('select 1');
      await em
        .getKysely()
        .selectFrom('house' as never)
        .selectAll()
        .where('id' as never, '>', 0 as never)
        .execute();
      return em.count(House);
    });
    expect(count).toBe(1);
    await manager.close();
  });

  it('is on a stream of rows, which comes by a cursor', async () => {
    const manager = await managerWith(true);
    const shown: unknown[] = [];
    await manager.run('acme', async (em) => {
      for await (const row of em.getConnection().stream(SHOWN)) {
        shown.push(row);
      }
    });
    expect(shown).toEqual([{ query: `${SHOWN}\n/*tenant='acme'*/` }]);
    await manager.close();
  });

  it.each([
    ['on a session of its own', 'none', NO_SESSION],
    ['where settings go with each transaction', 'transaction', sessionWith({ statementTimeoutMs: 60_000 })],
  ] as const)('is on statements, cursors and COPY %s', async (_where, pooler, session) => {
    const server = new PostgresServer(
      'default',
      checkServer('default', { url: serverUrl(), pooler }),
      new TenancyEmitter(),
      { sqlComment: true },
    );
    const database = tenants.databaseOf('acme');
    const pool = new TenantPool(server.requests({ tenantId: 'acme', database, session, weight: 1 }), {
      graceMs: () => 0,
    });
    const connection = await pool.connect();
    const { rows } = await connection.query(`${SHOWN} and pid > $1`, [0]);
    expect(rows[0]).toEqual({ query: expect.stringMatching(/pid > \$1\n\/\*tenant='acme'\*\/$/) });
    await connection.query('begin', []);
    const copy = connection.query(copyFrom('copy house (address) from stdin'));
    await pipeline(Readable.from(['2 Main Street\n']), copy);
    const [shown] = await adminQuery<{ query: string }>('select query from pg_stat_activity where pid = $1', [
      connection.processID,
    ]);
    expect(shown?.query).toBe("copy house (address) from stdin\n/*tenant='acme'*/");
    await connection.query('rollback', []);
    connection.release();
    await pool.close('the test is over', 0);
    server.stop();
  });

  it('leaves a tenant that may only be read as it is', async () => {
    const readonly = await tenants.manager({
      sqlComment: true,
      catalog: {
        find: async () => ({ id: 'acme', database: tenants.databaseOf('acme'), status: 'readonly' as const }),
        findByDomain: async () => undefined,
        list: async () => ({ tenants: [] }),
      } as never,
    });
    await expect(readonly.run('acme', (em) => em.execute("insert into house (address) values ('3')"))).rejects.toThrow(
      TenantReadOnlyError,
    );
    await readonly.close();
  });

  it('is a boolean or a function', async () => {
    await expect(managerWith('tenant' as never)).rejects.toThrow(TenancyConfigurationError);
  });
});
