import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../CliIo.ts';
import type { CliOf } from '../program.ts';

interface Written {
  readonly file: string;
  readonly is: 'written' | 'kept';
}

export function addInit(program: Command, cliOf: CliOf): void {
  program
    .command('init')
    .description('put the files for tenants into a project that uses MikroORM; what is there is kept')
    .addHelpText('after', '\nExample:\n  npx tenants init')
    .action((_options: object, command: Command) =>
      cliOf(command, async (cli) => {
        const { cwd } = cli.io;
        if (!existsSync(join(cwd, 'package.json'))) {
          throw new UsageError(`There is no package.json in ${cwd}. Go to the folder of your project.`);
        }
        const folder = existsSync(join(cwd, 'src')) ? 'src' : '.';
        const files = [
          write(cwd, join(folder, 'tenancy.config.ts'), CONFIG),
          write(cwd, join(folder, 'mikro-orm.config.ts'), MIKRO_ORM_CONFIG),
        ];
        const lines = files.map(({ file, is }) => (is === 'written' ? `written: ${file}` : `kept as it is: ${file}`));
        const missing = missingPackages(cwd);
        cli.output.result({ files, missing }, [
          ...lines,
          ...(missing.length === 0 ? [] : [`Install what is missing: npm install ${missing.join(' ')}`]),
          `Next: put your entities into ${join(folder, 'tenancy.config.ts')}, then run`,
          '  npx tenants central migrate --create-database',
          '  npx tenants doctor',
        ]);
      }),
    );
}

function write(cwd: string, file: string, text: string): Written {
  try {
    // Fails where the file is there, whoever made it meanwhile.
    writeFileSync(join(cwd, file), text, { flag: 'wx' });
    return { file, is: 'written' };
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'EEXIST') {
      return { file, is: 'kept' };
    }
    throw error;
  }
}

const NEEDED = ['mikro-orm-multitenancy', '@mikro-orm/core', '@mikro-orm/postgresql', '@mikro-orm/migrations'];

function missingPackages(cwd: string): string[] {
  const manifest = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8')) as Record<string, object | undefined>;
  const declared = { ...manifest['dependencies'], ...manifest['devDependencies'] };
  return NEEDED.filter((name) => !(name in declared));
}

const CONFIG = `import { defineTenancyConfig } from 'mikro-orm-multitenancy/cli';

/** The tenants of this application. Give the same options to TenantOrmManager.init. */
export default defineTenancyConfig({
  orm: {
    entities: ['./dist/entities'], // yours
    entitiesTs: ['./src/entities'],
    migrations: { path: './dist/migrations', pathTs: './src/migrations' },
  },
  server: process.env.DATABASE_URL ?? 'postgresql://postgres:password@localhost:5432',
  central: { database: 'central' },
});
`;

const MIKRO_ORM_CONFIG = `import { mikroOrmConfig } from 'mikro-orm-multitenancy/cli';
import tenancy from './tenancy.config.ts';

/** For MikroORM's own command line: npx mikro-orm --contextName=tenant:acme migration:list */
export default mikroOrmConfig(tenancy);
`;
