/** Something that is left to whoever knows the project, with the lines for it. */
export interface StepByHand {
  readonly title: string;
  readonly lines: readonly string[];
}

/** What a project gets that uses a framework: the text of its file, and the lines by which the application uses that. */
export interface Framework {
  /** Says in a project's package.json that it is used. */
  readonly package: string;
  /** The part of this library that belongs to it. */
  readonly subPath: string;
  /** Where an application makes its own of it. */
  readonly made: RegExp;
  /** The file with what the application uses. `config` is how it imports the configuration, with its quotes. */
  readonly file: (config: string) => string;
  /** Opens the tenants. `tenancy` is how the application imports the file, with its quotes. */
  readonly open: (tenancy: string) => readonly string[];
  /** Finds the tenant of each request. */
  readonly use: readonly string[];
  /** What else there is to do. */
  readonly more: readonly StepByHand[];
}

const openTenancy = (tenancy: string): readonly string[] => [
  `import { openTenancy } from ${tenancy};`,
  'const { manager, tenants } = await openTenancy();',
];

/** `authorize` gets what this framework has of a request: `ctx`. */
const middlewareFile =
  (subPath: string, ctx: string, what: string): Framework['file'] =>
  (config) =>
    `import { TenantOrmManager } from 'mikro-orm-multitenancy';
import { bySubdomain, tenancy, trustResolution } from 'mikro-orm-multitenancy/${subPath}';
import config from ${config};

/** What the application has in place of a MikroORM: the tenants, and the ${what} that finds the one of a request. */
export async function openTenancy() {
  const manager = await TenantOrmManager.init(config);
  const tenants = tenancy(manager, {
    resolve: bySubdomain(process.env.BASE_DOMAIN ?? 'localhost'), // acme.localhost
    authorize: trustResolution, // everybody; or (${ctx}, tenant) => whether the user belongs to the tenant
  });
  return { manager, tenants };
}
`;

const moduleFile: Framework['file'] = (config) => `import { TenantOrmManager } from 'mikro-orm-multitenancy';
import { bySubdomain, TenancyModule, trustResolution } from 'mikro-orm-multitenancy/nestjs';
import config from ${config};

/** For the application's module, in place of MikroORM's: the tenants, and what finds the one of a request. */
export const tenancyModule = TenancyModule.forRootAsync({
  useFactory: async () => ({
    manager: await TenantOrmManager.init(config),
    resolve: bySubdomain(process.env.BASE_DOMAIN ?? 'localhost'), // acme.localhost
    authorize: trustResolution, // everybody; or (req, tenant) => whether the user belongs to the tenant
  }),
});
`;

const IN_HANDLERS: StepByHand = {
  title: 'Where your handlers use `orm.em`, they use the one that follows the tenant',
  lines: ['manager.em.find(…); // RequestContext.getEntityManager() stays as it is'],
};
const CLOSE: StepByHand = {
  title: 'Close them when the application stops, in place of orm.close()',
  lines: ['await manager.close();'],
};

/** One that is built upon others stands before them: a project may declare those as well. */
export const FRAMEWORKS: readonly Framework[] = Object.freeze([
  {
    package: '@nestjs/core',
    subPath: 'nestjs',
    made: /@?\bModule\s*\(/,
    file: moduleFile,
    open: (tenancy) => [`import { tenancyModule } from ${tenancy};`],
    use: ['imports: [tenancyModule],'],
    more: [
      {
        title:
          'EntityManager and repositories are injected as before, and follow the tenant; a module asks for repositories by',
        lines: [
          "import { InjectRepository, TenancyModule } from 'mikro-orm-multitenancy/nestjs';",
          'TenancyModule.forFeature([…]) // in place of MikroOrmModule.forFeature',
        ],
      },
      {
        title: 'Let the module close the tenants when the application stops, where it is made',
        lines: ['app.enableShutdownHooks();'],
      },
    ],
  },
  {
    package: 'koa',
    subPath: 'koa',
    made: /\bnew Koa\b/,
    file: middlewareFile('koa', 'ctx', 'middleware'),
    open: openTenancy,
    use: ['app.use(tenants);'],
    more: [IN_HANDLERS, CLOSE],
  },
  {
    package: 'fastify',
    subPath: 'fastify',
    made: /\bfastify\s*\(/i,
    file: middlewareFile('fastify', 'request', 'plugin'),
    open: openTenancy,
    use: ['app.register(tenants);'],
    more: [IN_HANDLERS, CLOSE],
  },
  {
    package: 'hono',
    subPath: 'hono',
    made: /\bnew Hono\b/,
    file: middlewareFile('hono', 'c', 'middleware'),
    open: openTenancy,
    use: ['app.use(tenants);'],
    more: [IN_HANDLERS, CLOSE],
  },
  {
    package: 'express',
    subPath: 'express',
    made: /\bexpress\s*\(\s*\)/,
    file: middlewareFile('express', 'req', 'middleware'),
    open: openTenancy,
    use: ['app.use(tenants);'],
    more: [
      {
        title: 'Answer what handlers leave to Express, behind all routes and before error middleware of your own',
        lines: ["import { tenancyErrors } from 'mikro-orm-multitenancy/express';", 'app.use(tenancyErrors());'],
      },
      IN_HANDLERS,
      CLOSE,
    ],
  },
] satisfies readonly Framework[]);
