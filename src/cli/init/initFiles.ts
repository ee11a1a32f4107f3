import { posix } from 'node:path';
import type { Framework } from './frameworks.ts';
import type { Project } from './Project.ts';

/** A file that a project gets. */
export interface InitFile {
  readonly file: string;
  readonly text: string;
  /** What makes it superfluous: another file, or a line of the project. */
  readonly insteadOf?: string | undefined;
}

/** Where `tenants` finds a configuration; the first is what there is. */
const CONFIGS = ['src/tenancy.config.ts', 'tenancy.config.ts', 'tenancy.config.js', 'tenancy.config.mjs'];

/** The files that the project has or lacks. */
export interface InitFiles {
  readonly config: InitFile;
  readonly mikroOrm: InitFile;
  /** Where the project uses a framework that the library knows. */
  readonly middleware: InitFile | undefined;
}

export function initFiles(project: Project): InitFiles {
  const extension = project.isTypeScript ? 'ts' : project.isModule ? 'js' : 'mjs';
  // `tenants` looks for JavaScript in the project's own folder only.
  const folder = project.isTypeScript ? project.sources : '';
  const config = CONFIGS.find((file) => project.has(file)) ?? `${folder}tenancy.config.${extension}`;
  const existing = project.mikroOrmConfig;
  const { framework } = project;
  const mikroOrm = existing ?? `${folder}mikro-orm.config.${extension}`;
  return {
    config: {
      file: config,
      text:
        existing === undefined ? configOfNew(project) : configOfExisting(project, importOf(project, config, existing)),
    },
    mikroOrm: { file: mikroOrm, text: mikroOrmConfigText(importOf(project, mikroOrm, config)) },
    middleware: framework && middlewareOf(project, framework, `${project.sources}tenancy.${extension}`, config),
  };
}

function middlewareOf(project: Project, framework: Framework, file: string, config: string): InitFile {
  const used = project.find(new RegExp(`mikro-orm-multitenancy/${framework.subPath}\\b`));
  // An application that has this file may use the same entry point for more, as for errors.
  const insteadOf = used === undefined || project.has(file) ? undefined : `${used.file}:${used.line}`;
  return { file, text: framework.file(importOf(project, file, config)), insteadOf };
}

/** How one file of the project names another one that it imports, with its quotes. */
export function importOf(project: Project, from: string, to: string): string {
  const path = posix.relative(posix.dirname(from), to);
  const name = path.startsWith('.') ? path : `./${path}`;
  return `'${project.importsTypeScript ? name : name.replace(/\.ts$/, '.js')}'`;
}

function configOfExisting({ databasePrefix }: Project, mikroOrm: string): string {
  return `import { defineTenancyConfig, fromMikroOrmConfig } from 'mikro-orm-multitenancy/cli';
import mikroOrm from ${mikroOrm};

/** The tenants of this application. */
export default defineTenancyConfig({
  ...fromMikroOrmConfig(mikroOrm), // entities and migrations, for each tenant; and the server, without its database
  central: { database: '${databasePrefix}_central' }, // which tenants there are
  provisioning: { databaseName: (id) => \`${databasePrefix}_\${id}\` },
});
`;
}

function configOfNew({ databasePrefix, isTypeScript, sources }: Project): string {
  const paths = isTypeScript
    ? `entities: ['./dist/entities'], // yours
    entitiesTs: ['./${sources}entities'],
    migrations: { path: './dist/migrations', pathTs: './${sources}migrations' },`
    : `entities: ['./${sources}entities'], // yours
    migrations: { path: './${sources}migrations' },`;
  return `import { defineTenancyConfig } from 'mikro-orm-multitenancy/cli';

/** The tenants of this application. */
export default defineTenancyConfig({
  orm: {
    ${paths}
  },
  server: process.env.DATABASE_URL ?? 'postgresql://postgres:password@localhost:5432',
  central: { database: '${databasePrefix}_central' }, // which tenants there are
  provisioning: { databaseName: (id) => \`${databasePrefix}_\${id}\` },
});
`;
}

function mikroOrmConfigText(config: string): string {
  return `import { mikroOrmConfig } from 'mikro-orm-multitenancy/cli';
import tenancy from ${config};

/** For MikroORM's own command line: npx mikro-orm --contextName=tenant:acme migration:list */
export default mikroOrmConfig(tenancy);
`;
}
