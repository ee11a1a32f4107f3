import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../CliIo.ts';
import { FRAMEWORKS, type Framework } from './frameworks.ts';

/** Where MikroORM's command line looks for its configuration, and people put it. */
const MIKRO_ORM_CONFIGS = [
  ...['src/mikro-orm.config.ts', 'mikro-orm.config.ts', 'src/mikro-orm.config.js', 'mikro-orm.config.js'],
  ...['src/mikro-orm.config.mjs', 'mikro-orm.config.mjs'],
];
const NEEDED = ['mikro-orm-multitenancy', '@mikro-orm/core', '@mikro-orm/postgresql', '@mikro-orm/migrations'];

interface Manifest {
  readonly name?: unknown;
  readonly type?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly 'mikro-orm'?: { readonly configPaths?: readonly string[] };
}

/** A line of the project that has to be looked at by hand. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** What `tenants init` has to know of the project that it works in. It runs none of its code. */
export class Project {
  readonly folder: string;
  readonly #manifest: Manifest;
  readonly #tsconfig: string;

  constructor(folder: string) {
    const manifest = join(folder, 'package.json');
    if (!existsSync(manifest)) {
      throw new UsageError(`There is no package.json in ${folder}. Go to the folder of your project.`);
    }
    this.folder = folder;
    this.#manifest = JSON.parse(readFileSync(manifest, 'utf8')) as Manifest;
    this.#tsconfig = this.has('tsconfig.json') ? readFileSync(join(folder, 'tsconfig.json'), 'utf8') : '';
  }

  has(file: string): boolean {
    return existsSync(join(this.folder, file));
  }

  get isTypeScript(): boolean {
    return this.has('tsconfig.json') || this.mikroOrmConfig?.endsWith('.ts') === true || this.#declares('typescript');
  }

  get isModule(): boolean {
    return this.#manifest.type === 'module';
  }

  /** What answers its requests, where that is one of those that the library knows. */
  get framework(): Framework | undefined {
    return FRAMEWORKS.find((framework) => this.#declares(framework.package));
  }

  /** Where sources are, with the slash after it, or nothing for the project's own folder. */
  get sources(): string {
    return this.has('src') ? 'src/' : '';
  }

  /** The name of the project as part of the names of databases. */
  get databasePrefix(): string {
    const name = typeof this.#manifest.name === 'string' ? this.#manifest.name : 'app';
    const plain = name.toLowerCase().replace(/[^a-z0-9]+/g, '_');
    return plain.replace(/^[_\d]+|_+$/g, '').slice(0, 20) || 'app';
  }

  /** The file with the options of the project's MikroORM, if there is one. */
  get mikroOrmConfig(): string | undefined {
    const named = this.#manifest['mikro-orm']?.configPaths ?? [];
    return [...named.map((path) => path.replace(/^\.\//, '')), ...MIKRO_ORM_CONFIGS].find(
      (path) => !path.startsWith('dist/') && !path.startsWith('build/') && this.has(path),
    );
  }

  /** Whether its TypeScript files import each other by their own names, which is what Node.js wants of them. */
  get importsTypeScript(): boolean {
    return (
      this.#tsconfig === '' ||
      /"(allowImportingTsExtensions|rewriteRelativeImportExtensions)"\s*:\s*true/.test(this.#tsconfig) ||
      this.find(/from ['"]\.[^'"]*\.ts['"]/) !== undefined
    );
  }

  /** Where the compiler puts what it makes of the sources. */
  get output(): string {
    const folder = /"outDir"\s*:\s*"(?:\.\/)?([^"]+?)\/?"/.exec(this.#tsconfig)?.[1] ?? 'dist';
    return `${folder}/${/"rootDir"\s*:\s*"(\.\/)?src\/?"/.test(this.#tsconfig) ? '' : this.sources}`;
  }

  get missingPackages(): string[] {
    return NEEDED.filter((name) => !this.#declares(name));
  }

  /** The first line of its sources in which `pattern` is found. */
  find(pattern: RegExp): Place | undefined {
    for (const file of globSync('{*,src/**/*}.{ts,mts,js,mjs,cjs}', { cwd: this.folder }).sort()) {
      const before = readFileSync(join(this.folder, file), 'utf8').split(pattern, 2);
      if (before.length > 1) {
        return { file, line: (before[0] ?? '').split('\n').length };
      }
    }
    return undefined;
  }

  #declares(name: string): boolean {
    return name in { ...this.#manifest.dependencies, ...this.#manifest.devDependencies };
  }
}
