import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type Koa from 'koa';
import { TenancyConfigurationError, type Tenant, TenantEntity, type TenantSeed } from 'mikro-orm-multitenancy';
import { bySubdomain, tenancy as middleware, trustResolution } from 'mikro-orm-multitenancy/koa';
import { expectIsolated, TestTenancy, type TestTenancyOptions } from 'mikro-orm-multitenancy/testing';
import { adminQuery, serverUrl } from '../../support/databases.ts';
import { codeBlocks, ROOT } from '../../support/docs.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';
import { until } from '../../support/manager/TestTenants.ts';
import { runProgram } from '../../support/runProgram.ts';
import { Article, Migration001Article, SHOP } from '../../support/testing/shop.ts';

// One file for both: these databases are counted.
async function databases(): Promise<string[]> {
  const rows = await adminQuery<{ name: string }>(
    "select datname as name from pg_database where starts_with(datname, 'test_tenancy_') order by 1",
  );
  return rows.map(({ name }) => name);
}

describe('TestTenancy', () => {
  const open: TestTenancy[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((tenancy) => tenancy.close()));
    expect(await databases()).toEqual([]);
  });

  async function start(options: Pick<TestTenancyOptions, 'provisioning'> = {}): Promise<TestTenancy> {
    const tenancy = await TestTenancy.start({ orm: SHOP, server: serverUrl(), ...options });
    open.push(tenancy as TestTenancy);
    return tenancy as TestTenancy;
  }

  it('gives each test a tenant with a database of its own, migrated and seeded', async () => {
    const seed: TenantSeed = (em: EntityManager, { id }: Tenant): void => {
      em.create(Article, { name: `first of ${id}` });
    };
    const tenancy = await start({ provisioning: { seed } });
    const [one, other] = [await tenancy.create(), await tenancy.create({ id: 'acme' })];
    const names = (id: string) =>
      tenancy.manager.run(id, async (em) => (await em.find(Article, {})).map(({ name }) => name));
    expect([await names(one.id), await names(other.id)]).toEqual([[`first of ${one.id}`], ['first of acme']]);
    expect(new Set([one.database, other.database]).size).toBe(2);
    await tenancy.drop('acme');
    expect(await databases()).toEqual([one.database]);
    await tenancy.expectNoLeaks();
  });

  it('drops the tenant of withTestTenant when the work throws, too', async () => {
    const tenancy = await start();
    const work = tenancy.withTestTenant(async (em) => {
      em.create(Article, { name: 'half done' });
      await em.flush();
      throw new Error('no luck');
    });
    await expect(work).rejects.toThrow('no luck');
    expect(await databases()).toEqual([]);
  });

  it('rolls back what a test writes, by whichever way it comes to the EntityManager', async () => {
    const tenancy = await start();
    const { manager } = tenancy;
    const count = await tenancy.rolledBack(async (em) => {
      em.create(Article, { name: 'by the fork' });
      await manager.em.transactional(async () => {
        manager.em.create(Article, { name: 'by manager.em, in a transaction' });
      });
      await manager.em.getRepository(Article).insert({ name: 'by a repository' });
      await em.flush();
      return em.count(Article);
    });
    expect(count).toBe(3);
    await expect(tenancy.rolledBack((em) => em.count(Article))).resolves.toBe(0);
    const failing = tenancy.rolledBack(async (em) => {
      await em.insert(Article, { name: 'before the error' });
      throw new Error('no luck');
    });
    await expect(failing).rejects.toThrow('no luck');
    await expect(tenancy.rolledBack((em) => em.count(Article))).resolves.toBe(0);
    expect(await databases()).toHaveLength(1);
  });

  it('names the leases, connections and transactions that a test has left', async () => {
    const tenancy = await start();
    const { id } = await tenancy.create();
    await tenancy.expectNoLeaks();
    const lease = await tenancy.manager.acquire(id);
    const em = lease.orm.em.fork();
    await em.begin();
    await em.count(Article);
    const leaks = await tenancy.expectNoLeaks().catch((error: Error) => error.message);
    expect(leaks).toContain('1 leases');
    expect(leaks).toContain('1 connections of the server "default" in use');
    expect(leaks).toMatch(/a transaction of test_tenancy_\w+/);
    await em.rollback();
    lease.release();
    await tenancy.expectNoLeaks();
    await expect(tenancy.manager.run(id, () => tenancy.expectNoLeaks())).rejects.toThrow(
      'Call it outside of every run',
    );
  });

  it('waits for what is about to end', async () => {
    const tenancy = await start();
    const { id } = await tenancy.create();
    const late = tenancy.manager.run(id, (em) => em.execute('select pg_sleep(0.2)'));
    await tenancy.expectNoLeaks();
    await late;
  });

  it('makes and migrates a central database, with columns of its own', async () => {
    const Customer = defineEntity({
      name: 'Customer',
      extends: TenantEntity,
      properties: { metadata: p.json<{ colour?: string }>().default('{}') },
    });
    const tenancy = await TestTenancy.start({ orm: SHOP, server: serverUrl(), central: { tenant: Customer } });
    open.push(tenancy as unknown as TestTenancy);
    const acme = await tenancy.create({ id: 'acme', metadata: { colour: 'red' }, domains: ['acme.com'] });
    expect(acme.metadata.colour).toBe('red');
    expect((await tenancy.manager.catalog.findByDomain('acme.com'))?.id).toBe('acme');
    await tenancy.drop('acme');
    expect(await databases()).toHaveLength(1);
  });

  it('leaves nothing when it cannot start', async () => {
    class Broken extends Migration001Article {
      override up(): void {
        this.addSql('create table of nothing');
      }
    }
    const tenancy = await TestTenancy.start({
      orm: { entities: [Article], migrations: { migrationsList: [Broken] } },
      server: serverUrl(),
    });
    open.push(tenancy as TestTenancy);
    await expect(tenancy.create()).rejects.toThrow();
    await expect(TestTenancy.start({ orm: SHOP, server: 'nonsense' })).rejects.toThrow(TenancyConfigurationError);
  });

  it('drops what a run that was killed has left, and nothing of one that goes on', async () => {
    const running = await start();
    const { database } = await running.create();
    await expect(runProgram('testing/killedRun.ts', [serverUrl()])).rejects.toMatchObject({ signal: 'SIGKILL' });
    expect(await databases()).toHaveLength(3);
    // PostgreSQL takes a moment to notice that the process is gone.
    await until(async () => {
      const next = await TestTenancy.start({ orm: SHOP, server: serverUrl() });
      await next.close();
      return (await databases()).length === 1;
    }, 'the databases of the killed run are still there');
    expect(await databases()).toEqual([database]);
  });
});

/** The package's own name means its source, as in our tests. */
const VITEST_CONFIG = `
  import { defineConfig } from 'vitest/config';
  const at = (path: string): string => new URL('../../src/' + path, import.meta.url).pathname;
  export default defineConfig({
    resolve: {
      alias: [
        { find: /^mikro-orm-multitenancy$/, replacement: at('index.ts') },
        { find: 'mikro-orm-multitenancy/testing', replacement: at('testing/index.ts') },
      ],
    },
  });
`;

type Handler = (em: EntityManager, ctx: Koa.Context) => Promise<unknown>;

/** The programs of docs/testing.md, by the package that their tests are made with. */
describe.each(['node:test', 'vitest'])('the tests of the documentation for %s', (runner) => {
  it('pass, and fail when a tenant is left held', async () => {
    mkdirSync(join(ROOT, 'coverage'), { recursive: true });
    const folder = mkdtempSync(join(ROOT, 'coverage', 'runner-'));
    try {
      const code =
        codeBlocks().find(({ name, code: of }) => name.startsWith('docs-testing') && of.includes(`from '${runner}'`))
          ?.code ?? '';
      const held = 'await tenancy.manager.acquire((await tenancy.shared()).id); // eslint-disable-line';
      const run = async (body: string): Promise<number | string> => {
        writeFileSync(join(folder, 'houses.test.ts'), body);
        const hook = new URL('../../support/resolveSource.mjs', import.meta.url).href;
        const args =
          runner === 'vitest'
            ? [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder]
            : ['--import', hook, '--test', join(folder, 'houses.test.ts')];
        const env = { ...process.env, NODE_OPTIONS: '', DATABASE_URL: serverUrl() };
        return promisify(execFile)(process.execPath, args, { env, cwd: folder }).then(
          () => 0,
          ({ code: exit, stdout, stderr }) => `${exit}: ${stdout}${stderr}`,
        );
      };
      writeFileSync(join(folder, 'vitest.config.ts'), VITEST_CONFIG);
      expect(await run(code)).toBe(0);
      expect(await run(code.replace('const house =', `${held}\n    const house =`))).toContain('1 leases');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 90_000);
});

describe('expectIsolated', () => {
  let tenancy: TestTenancy;
  beforeAll(async () => {
    tenancy = (await TestTenancy.start({ orm: SHOP, server: serverUrl() })) as TestTenancy;
  });
  afterAll(async () => {
    await tenancy.expectNoLeaks();
    await tenancy.close();
  });

  /** Checks an application of these routes with two new tenants. */
  async function check(routes: Readonly<Record<string, Handler>>): Promise<void> {
    const [one, other] = [await tenancy.create(), await tenancy.create()];
    await using server = await KoaServer.start(
      middleware(tenancy.manager, { resolve: bySubdomain('localhost'), authorize: trustResolution }) as Koa.Middleware,
      async (ctx) => {
        ctx.body = (await routes[ctx.path]?.(tenancy.manager.em, ctx)) ?? '';
      },
    );
    await expectIsolated({
      manager: tenancy.manager,
      tenants: [one.id, other.id],
      fill: (em, marker) => {
        em.create(Article, { id: 1, name: marker });
      },
      request: async (id, route, marker) => {
        const { status, body } = await server.send(`${id}.localhost`, `${route}?name=${marker}`);
        return { status, body };
      },
      routes: Object.keys(routes),
      rounds: 10,
    });
  }

  const read: Handler = async (em) => (await em.findOneOrFail(Article, 1)).name;
  const write: Handler = async (em, ctx) => {
    em.create(Article, { name: String(ctx.query['name']) });
    await em.flush();
    return 'written';
  };

  it('finds nothing in an application that keeps tenants apart', async () => {
    await check({ '/read': read, '/write': write });
  });

  it('finds an answer that was kept for somebody else', async () => {
    let kept: string | undefined;
    const leaky: Handler = async (em, ctx) => {
      kept ??= String(await read(em, ctx));
      return kept;
    };
    await expect(check({ '/read': read, '/leaky': leaky })).rejects.toThrow(
      /Tenants are not apart:\n- \/leaky of tenant "test-\d+" answered 200 with a text of the other tenant/,
    );
  });

  it('finds a row that was written into the database of the other tenant', async () => {
    let first: string | undefined;
    const leaky: Handler = async (_em, ctx) => {
      first ??= tenancy.manager.requireTenant().id;
      await tenancy.manager.run(first, async (em) => {
        await em.insert(Article, { name: String(ctx.query['name']) });
      });
    };
    await expect(check({ '/read': read, '/leaky': leaky })).rejects.toThrow(
      /the table "public"\."article" of tenant "test-\d+" has a text of the other tenant/,
    );
  });

  it('does not pass for an application that shows nothing', async () => {
    await expect(check({ '/nothing': async () => 'nothing' })).rejects.toThrow('nothing was shown');
  });
});
