// A server process of `koaThroughput` and `catalogThroughput`: one of the applications, whichever the parent asks for.
import { once } from 'node:events';
import { Session } from 'node:inspector/promises';
import type { AddressInfo } from 'node:net';
import type { EntityManager } from '@mikro-orm/core';
import { type EntitySchema, MikroORM, RequestContext } from '@mikro-orm/postgresql';
import Koa from 'koa';
import { StaticCatalog, type Tenant, TenantOrmManager } from 'mikro-orm-multitenancy';
import { bySubdomain, tenancy, trustResolution } from 'mikro-orm-multitenancy/koa';
import pg from 'pg';
import { tenantId } from './centralTenants.ts';
import { entities, type Row } from './entities.ts';
import { DOMAINS, type KoaServerOptions, type KoaServerQuestion, type KoaServerUsage } from './KoaProcess.ts';

const options = JSON.parse(process.argv[2] ?? '') as KoaServerOptions;
const tables = entities(options.entities ?? 1);
const table = tables[0] as EntitySchema<Row>;

/** An engine that has seen one class of entities, by one query, compiles MikroORM for that; no real application is so. */
let visits = 50;

async function visit(em: EntityManager): Promise<void> {
  for (const other of tables) {
    const orderBy = { id: 'asc' } as const;
    JSON.stringify(await em.find(other, {}, { limit: options.rows }));
    JSON.stringify(await em.find(other, { id: { $in: [1, 2, 3] } }, { orderBy, filters: false }));
    JSON.stringify(await em.find(other, { id: { $gt: 2 }, note: { $ne: null } }, { orderBy, limit: 3, offset: 1 }));
    JSON.stringify(await em.findOne(other, { id: 1 }, { populate: ['parent'] }));
    await em.count(other, { id: { $gt: 2 } });
  }
}

/** The handler of all who have an ORM: rows of a small table, as JSON. */
const listRows: Koa.Middleware = async (ctx) => {
  const em = RequestContext.getEntityManager();
  if (visits > 0 && tables.length > 1 && em !== undefined) {
    visits -= 1;
    await visit(em);
  }
  ctx.body = await em?.find(table, {}, { limit: options.rows });
};

async function singleTenant(app: Koa, { url, databases: [dbName = ''], maxConnections }: KoaServerOptions) {
  const orm = await MikroORM.init({ entities: tables, clientUrl: url, dbName, pool: { min: 0, max: maxConnections } });
  app.use((_ctx, next) => RequestContext.create(orm.em, next));
  return () => orm.close();
}

async function plainByHost(app: Koa, { url, databases, maxConnectionsPerTenant }: KoaServerOptions) {
  const orms = new Map<string, MikroORM>();
  for (const [index, dbName] of databases.entries()) {
    const pool = { min: 0, max: maxConnectionsPerTenant };
    const orm = await MikroORM.init({ entities: tables, clientUrl: url, dbName, pool });
    orms.set(`t${index}.example.com`, orm);
  }
  app.use((ctx, next) => {
    const orm = orms.get(ctx.host);
    return orm === undefined ? ctx.throw(404) : RequestContext.create(orm.em, next);
  });
  return () => Promise.all([...orms.values()].map((orm) => orm.close()));
}

async function staticManager({ databases, ...rest }: KoaServerOptions): Promise<TenantOrmManager> {
  const catalog = new StaticCatalog(databases.map((database, index) => ({ id: tenantId(index), database })));
  return TenantOrmManager.init({ ...common(rest), catalog });
}

function centralManager({ central = '', ...rest }: KoaServerOptions) {
  return TenantOrmManager.init({ ...common(rest), central: { database: central } });
}

function common({ url, maxConnections, maxConnectionsPerTenant }: Omit<KoaServerOptions, 'databases' | 'central'>) {
  return {
    orm: { entities: tables },
    server: { url, maxConnections, maxConnectionsPerTenant, acquireTimeoutMs: 30_000 },
  };
}

const doorOf = <T extends Tenant>(manager: TenantOrmManager<T>, domain: string): Koa.Middleware =>
  tenancy(manager, { resolve: bySubdomain(domain), authorize: trustResolution });

async function withTenancy(app: Koa, given: KoaServerOptions) {
  if (given.is === 'tenancy') {
    return serve(app, await staticManager(given));
  }
  const manager = await centralManager(given);
  if (given.is === 'tenancy-database-migrating') {
    await manager.central.migrate();
  }
  return serve(app, manager);
}

function serve<T extends Tenant>(app: Koa, manager: TenantOrmManager<T>): () => Promise<void> {
  app.use(doorOf(manager, DOMAINS.static));
  return () => manager.close();
}

/** Two static catalogues, and one of a central database. */
async function withBoth(app: Koa, given: KoaServerOptions) {
  const [one, control, database] = [
    await staticManager(given),
    await staticManager(given),
    await centralManager(given),
  ];
  const doors = new Map([
    [DOMAINS.static, doorOf(one, DOMAINS.static)],
    [DOMAINS.control, doorOf(control, DOMAINS.control)],
    [DOMAINS.database, doorOf(database, DOMAINS.database)],
  ] as const);
  app.use((ctx, next) => {
    const door = doors.get(ctx.host.slice(ctx.host.indexOf('.') + 1) as typeof DOMAINS.static);
    return door === undefined ? ctx.throw(404) : door(ctx, next);
  });
  return () => Promise.all([one.close(), control.close(), database.close()]);
}

async function bare(app: Koa, { url, databases, maxConnections, maxConnectionsPerTenant, rows }: KoaServerOptions) {
  const max = databases.length === 1 ? maxConnections : maxConnectionsPerTenant;
  const pools = databases.map((database) => new pg.Pool({ connectionString: `${url}/${database}`, max }));
  const byHost = new Map(pools.map((pool, index) => [`t${index}.example.com`, pool]));
  app.use(async (ctx) => {
    const result = await byHost.get(ctx.host)?.query('select * from table_0 limit $1', [rows]);
    ctx.body = result?.rows;
  });
  return () => Promise.all(pools.map((pool) => pool.end()));
}

const applications = {
  tenancy: withTenancy,
  'tenancy-database': withTenancy,
  'tenancy-database-migrating': withTenancy,
  'tenancy-of-both': withBoth,
  'single-tenant': singleTenant,
  'plain-by-host': plainByHost,
  'bare-single': bare,
  'bare-by-host': bare,
};

const app = new Koa();
const close = await applications[options.is](app, options);
app.use(listRows);
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
// While the other server has its turn, connections to this one are idle.
server.keepAliveTimeout = 0;

const inspector = new Session();
const answers: Record<KoaServerQuestion, () => Promise<object>> = {
  usage: async () => {
    const { user, system } = process.cpuUsage();
    return { cpuUs: user + system } satisfies KoaServerUsage;
  },
  'start profiling': async () => {
    inspector.connect();
    await inspector.post('Profiler.enable');
    await inspector.post('Profiler.setSamplingInterval', { interval: 200 });
    await inspector.post('Profiler.start');
    return {};
  },
  'stop profiling': async () => (await inspector.post('Profiler.stop')).profile,
};
process.on('message', async (question: KoaServerQuestion) => process.send?.(await answers[question]()));
process.once('disconnect', () => {
  server.closeAllConnections();
  server.close(() => void close());
});
process.send?.({ port: (server.address() as AddressInfo).port });
