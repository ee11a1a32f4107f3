import type { StepByHand } from './frameworks.ts';
import { type InitFile, importOf } from './initFiles.ts';
import type { Place, Project } from './Project.ts';

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
  const { framework } = project;
  if (framework === undefined || middleware === undefined) {
    return [
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
  const [init, forRoot] = [project.find(/\bMikroORM\.init\s*\(/), project.find(/\bMikroOrmModule\.forRoot/)];
  const opening = init ?? forRoot;
  const context = project.find(/\bRequestContext\.create\s*\(/);
  const app = opening?.file ?? project.find(framework.made)?.file ?? `${project.sources}app.js`;
  const instead = (what: string, at: Place | undefined, otherwise: string): string =>
    at === undefined ? otherwise : `in place of ${what}, at ${nameOf(at)}`;
  return [
    {
      title: `Open the tenants ${instead(init ? 'MikroORM.init' : 'MikroOrmModule.forRoot', opening, 'where your application starts')}`,
      lines: framework.open(importOf(project, app, middleware.file)),
    },
    {
      title: `Find the tenant of each request ${instead('RequestContext.create', context, 'before whatever uses the database')}`,
      lines: framework.use,
    },
    ...framework.more,
  ];
}
