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

const APP = `import { RequestContext } from '@mikro-orm/core';
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
`;

/** An application with MikroORM and Koa for one database, without a line about tenants. */
export async function writeExistingApplication(project: ScratchProject, extension: 'ts' | 'js'): Promise<void> {
  const folder = extension === 'ts' ? 'src/' : '';
  const dependencies = { '@mikro-orm/core': '7.2.1', '@mikro-orm/postgresql': '7.2.1', koa: '3.3.0' };
  project.write(
    'package.json',
    JSON.stringify({ name: project.name.replace('_', '-'), private: true, type: 'module', dependencies }),
  );
  const files = { 'mikro-orm.config': MIKRO_ORM, house: HOUSE, app: APP };
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
  const [opening, middleware] = [
    lines.filter((line) => /openTenancy/.test(line)),
    lines.find((line) => line.startsWith('app.use')),
  ];
  return app
    .replace(/^const orm = .*$/m, opening.join('\n'))
    .replace(/^app\.use\(.*RequestContext.*$/m, middleware ?? '')
    .replaceAll('orm.em.', 'manager.em.');
}
