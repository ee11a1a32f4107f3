import { type InitFile, importOf } from './initFiles.ts';
import type { Place, Project } from './Project.ts';

/** Something that is left to whoever knows the project, with the lines for it. */
export interface StepByHand {
  readonly title: string;
  readonly lines: readonly string[];
}

const nameOf = ({ file, line }: Place): string => `${file}:${line}`;

/** What has to be done once the files are there. */
export function stepsByHand(project: Project, config: string, middleware: InitFile | undefined): StepByHand[] {
  const { missingPackages: missing } = project;
  return [
    ...(missing.length === 0
      ? []
      : [{ title: 'Install what is missing', lines: [`npm install ${missing.join(' ')}`] }]),
    ...compiled(project, config),
    ...(project.mikroOrmConfig === undefined
      ? [{ title: `Name your entities and migrations in ${config}`, lines: [] }]
      : []),
    ...application(project, middleware),
    {
      title: 'Make the central database and the first tenant, and look whether all is well',
      lines: ['npx tenants central migrate --create-database', 'npx tenants create acme', 'npx tenants doctor'],
    },
  ];
}

/** Node.js cannot load TypeScript that imports `.js`, so that the program takes what was compiled. */
function compiled(project: Project, config: string): StepByHand[] {
  if (!project.isTypeScript || project.importsTypeScript) {
    return [];
  }
  const path = config.replace(/^src\//, '').replace(/\.ts$/, '.js');
  return [
    {
      title: 'Let `tenants` find the compiled configuration: in package.json',
      lines: [`"tenancy": { "configPaths": ["./${project.output}${path}"] }`],
    },
  ];
}

function application(project: Project, middleware: InitFile | undefined): StepByHand[] {
  if (middleware === undefined) {
    return project.usesKoa
      ? []
      : [
          {
            title: 'Open the tenants in your application, and run what belongs to one in its context',
            lines: [
              "import { TenantOrmManager } from 'mikro-orm-multitenancy';",
              'const manager = await TenantOrmManager.init(config);',
              "await manager.run('acme', async (em) => { … });",
            ],
          },
        ];
  }
  if (middleware.insteadOf !== undefined) {
    return [];
  }
  const opening = project.find(/\bMikroORM\.init\s*\(/);
  const context = project.find(/\bRequestContext\.create\s*\(/);
  const app = opening?.file ?? project.find(/\bnew Koa\b/)?.file ?? `${project.sources}app.js`;
  return [
    {
      title: `Open the tenants ${opening === undefined ? 'where your application starts' : `in place of MikroORM.init, at ${nameOf(opening)}`}`,
      lines: [
        `import { openTenancy } from ${importOf(project, app, middleware.file)};`,
        'const { manager, tenants } = await openTenancy();',
      ],
    },
    {
      title: `Find the tenant of each request ${context === undefined ? 'before whatever uses the database' : `in place of RequestContext.create, at ${nameOf(context)}`}`,
      lines: ['app.use(tenants);'],
    },
    {
      title: 'Where your handlers use `orm.em`, they use the one that follows the tenant',
      lines: ['manager.em.find(…); // RequestContext.getEntityManager() stays as it is'],
    },
    { title: 'Close them when the application stops, in place of orm.close()', lines: ['await manager.close();'] },
  ];
}
