// A program of `connectionBudget`: whichever the parent asks for sends its requests, without HTTP in between.
import { type EntityManager, MikroORM, type Options } from '@mikro-orm/postgresql';
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import type { BudgetSideOptions, BudgetTurn } from './BudgetSide.ts';
import { entities } from './entities.ts';
import { OrmCache } from './OrmCache.ts';
import { uniform, zipf } from './traffic.ts';

interface Program {
  /** One request of the tenant at this index. */
  request(index: number): Promise<unknown>;
  close(): Promise<unknown>;
}

const options = JSON.parse(process.argv[2] ?? '') as BudgetSideOptions;
const { databases, url, maxConnections } = options;
const tables = entities(10);
const ormOptions: Options = { entities: tables, clientUrl: url };

const work = (em: EntityManager): Promise<unknown> => em.find(tables[0] as never, {});
const databaseAt = (index: number): string => databases[index] ?? '';

const programs: Record<BudgetSideOptions['is'], () => Promise<Program>> = {
  async tenancy() {
    const manager = await TenantOrmManager.init({
      orm: { entities: tables },
      server: { url, maxConnections: maxConnections + 2, reservedConnections: 2, acquireTimeoutMs: 30_000 },
      catalog: new StaticCatalog(databases.map((database, index) => ({ id: `t${index}`, database }))),
    });
    return { request: (index) => manager.run(`t${index}`, work), close: () => manager.close() };
  },
  async 'orm-cache'() {
    // One connection each, so that as many tenants as possible keep theirs.
    const cache = new OrmCache({ ...ormOptions, pool: { min: 0, max: 1 } }, maxConnections);
    return {
      request: (index) => cache.use(databaseAt(index), (orm) => work(orm.em.fork())),
      close: () => cache.close(),
    };
  },
  'pool-each': () => ormOfEach({ min: 0, max: 1, idleTimeoutMillis: 1_000 }),
  pgbouncer: () => ormOfEach({ min: 0, max: 4 }),
  async 'one-database'() {
    const pool = { min: 0, max: maxConnections };
    const orm = await MikroORM.init({ ...ormOptions, dbName: databaseAt(0), pool });
    return { request: () => work(orm.em.fork()), close: () => orm.close() };
  },
};

async function ormOfEach(pool: NonNullable<Options['pool']>): Promise<Program> {
  const orms: MikroORM[] = [];
  for (const dbName of databases) {
    orms.push(await MikroORM.init({ ...ormOptions, discovery: {}, dbName, pool }));
  }
  return {
    request: (index) => work((orms[index] as MikroORM).em.fork()),
    close: () => Promise.all(orms.map((orm) => orm.close())),
  };
}

const program = await programs[options.is]();
const next = { uniform, zipf }[options.traffic](databases.length);

async function turn(durationMs: number): Promise<BudgetTurn> {
  const took: number[] = [];
  const errors: Record<string, number> = {};
  const startedAt = performance.now();
  const until = startedAt + durationMs;
  async function client(): Promise<void> {
    while (performance.now() < until) {
      const at = performance.now();
      try {
        await program.request(next());
        took.push(performance.now() - at);
      } catch (error) {
        const { code, name } = error as { readonly code?: string; readonly name: string };
        errors[code ?? name] = (errors[code ?? name] ?? 0) + 1;
      }
    }
  }
  await Promise.all(Array.from({ length: options.concurrency }, client));
  const elapsedMs = performance.now() - startedAt;
  took.sort((one, other) => one - other);
  const quantile = (part: number): number => took[Math.floor(took.length * part)] ?? Number.NaN;
  return { perSecond: (took.length * 1_000) / elapsedMs, p50: quantile(0.5), p99: quantile(0.99), errors };
}

process.on('message', (durationMs: number) => {
  void turn(durationMs).then((result) => process.send?.(result));
});
process.once('disconnect', () => void program.close());
process.send?.('ready');
