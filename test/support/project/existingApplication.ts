import type { ScratchProject } from './ScratchProject.ts';

const MIKRO_ORM = `import { defineConfig } from '@mikro-orm/postgresql';
import { Migrator } from '@mikro-orm/migrations';
import { House, CreateHouse } from './house.EXTENSION';

export default defineConfig({
  entities: [House],
  clientUrl: process.env['DATABASE_URL'] + '/DATABASE',
  ensureDatabase: false,
  extensions: [Migrator],
  migrations: { migrationsList: [CreateHouse] },
});
`;

const HOUSE = `import { defineEntity, p } from '@mikro-orm/core';
import { Migration } from '@mikro-orm/migrations';

export const House = defineEntity({
  name: 'House',
  properties: { id: p.integer().primary(), address: p.string() },
});

export class CreateHouse extends Migration {
  up() {
    this.addSql('create table house (id serial primary key, address varchar(255) not null)');
    this.addSql("insert into house (address) select current_database()");
  }
}
`;

/** The lines that all have, and those of one framework: its imports, what makes it, a handler, and its start. */
const APPS = {
  koa: `import { RequestContext } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import Koa from 'koa';
import { House } from './house.EXTENSION';
import config from './mikro-orm.config.EXTENSION';

const orm = await MikroORM.init(config);
const app = new Koa();
app.use((_ctx, next) => RequestContext.create(orm.em, next));
app.use(async (ctx) => {
  ctx.body = await orm.em.find(House, {});
});
app.listen(Number(process.env['PORT']));
`,
  express: `import { RequestContext } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import express from 'express';
import { House } from './house.EXTENSION';
import config from './mikro-orm.config.EXTENSION';

const orm = await MikroORM.init(config);
const app = express();
app.use((_req, _res, next) => RequestContext.create(orm.em, next));
app.get('/', async (_req, res) => {
  res.json(await orm.em.find(House, {}));
});
app.listen(Number(process.env['PORT']));
`,
  fastify: `import { RequestContext } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import Fastify from 'fastify';
import { House } from './house.EXTENSION';
import config from './mikro-orm.config.EXTENSION';

const orm = await MikroORM.init(config);
const app = Fastify();
app.addHook('onRequest', (_request, _reply, done) => RequestContext.create(orm.em, done));
app.get('/', () => orm.em.find(House, {}));
await app.listen({ port: Number(process.env['PORT']) });
`,
  hono: `import { serve } from '@hono/node-server';
import { RequestContext } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import { Hono } from 'hono';
import { House } from './house.EXTENSION';
import config from './mikro-orm.config.EXTENSION';

const orm = await MikroORM.init(config);
const app = new Hono();
app.use((_c, next) => RequestContext.create(orm.em, next));
app.get('/', async (c) => c.json(await orm.em.find(House, {})));
serve({ fetch: app.fetch, port: Number(process.env['PORT']) });
`,
  // Node.js runs no decorators, so that they are called.
  '@nestjs/core': `import 'reflect-metadata';
import { EntityManager, RequestContext } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import { Controller, Get, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { House } from './house.EXTENSION';
import config from './mikro-orm.config.EXTENSION';

const orm = await MikroORM.init(config);

class Houses {
  em: EntityManager;

  constructor(em: EntityManager) {
    this.em = em;
  }

  list(): Promise<object[]> {
    return this.em.find(House, {});
  }
}
Inject(EntityManager)(Houses, undefined, 0);
Get()(Houses.prototype, 'list', Object.getOwnPropertyDescriptor(Houses.prototype, 'list') as PropertyDescriptor);
Controller()(Houses);

class AppModule {}
Module({
  imports: [],
  providers: [{ provide: EntityManager, useValue: orm.em }],
  controllers: [Houses],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: ['error'] });
app.use((_req: unknown, _res: unknown, next: () => void) => RequestContext.create(orm.em, next));
await app.listen(Number(process.env['PORT']));
`,
} as const;

/** Whose framework an application uses, by its package. */
export type ExistingFramework = keyof typeof APPS;

/** An application with MikroORM and a framework for one database, without a line about tenants. */
export async function writeExistingApplication(
  project: ScratchProject,
  extension: 'ts' | 'js',
  framework: ExistingFramework = 'koa',
): Promise<void> {
  const folder = extension === 'ts' ? 'src/' : '';
  const dependencies = { '@mikro-orm/core': '7.2.1', '@mikro-orm/postgresql': '7.2.1', [framework]: '1.0.0' };
  project.write(
    'package.json',
    JSON.stringify({ name: project.name.replace('_', '-'), private: true, type: 'module', dependencies }),
  );
  const files = { 'mikro-orm.config': MIKRO_ORM, house: HOUSE, app: APPS[framework] };
  for (const [name, text] of Object.entries(files)) {
    project.write(
      `${folder}${name}.${extension}`,
      text.replaceAll('EXTENSION', extension).replace("DATABASE'", `${project.name}'`),
    );
  }
  if (extension === 'ts') {
    project.write('tsconfig.json', JSON.stringify({ extends: '../../tsconfig.json', include: ['src'], exclude: [] }));
  }
  await project.createDatabase();
}

/** Puts the lines that `tenants init` has printed where it says. */
export function paste(app: string, lines: readonly string[]): string {
  const those = (pattern: RegExp): string => lines.filter((line) => pattern.test(line)).join('\n');
  const isModule = lines.includes('imports: [tenancyModule],');
  const pasted = app
    .replace(/^const orm = .*$/m, those(/^import \{ (?:openTenancy|tenancyModule|tenancyErrors) \}|openTenancy\(\)/))
    .replace(/^(?=(?:await )?app\.listen|serve\()/m, `${those(/^app\.(?:use\(tenancyErrors|enableShutdownHooks)/)}\n`);
  return isModule
    ? pasted
        .replace(/^ *imports: .*$/m, those(/^imports:/))
        .replace(/^ *providers: .*$/m, '')
        .replace(/^app\.use\(.*RequestContext.*$/m, '')
    : pasted
        .replace(/^app\.\w+\(.*RequestContext.*$/m, those(/^app\.\w+\(tenants\)/))
        .replaceAll('orm.em.', 'manager.em.');
}
