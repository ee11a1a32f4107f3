import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, TenancyConfigurationError } from '../errors.ts';
import type { TenancyConfig } from './TenancyConfig.ts';

/** Where it is looked for, in this order, as MikroORM's command line looks for its own. */
const PLACES = [
  'src/tenancy.config.ts',
  'tenancy.config.ts',
  'dist/tenancy.config.js',
  'build/tenancy.config.js',
  'tenancy.config.js',
  'tenancy.config.mjs',
];

export interface ConfigModule {
  readonly path: string;
  readonly config: TenancyConfig;
  /** What else the file exports. */
  readonly named: Readonly<Record<string, unknown>>;
}

/**
 * The file that `--config` names, or `TENANCY_CONFIG`, or `tenancy.configPaths` of package.json, or the first of the usual
 * places. Throws `TenancyConfigurationError`.
 */
export async function findConfig(
  cwd: string,
  given: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ConfigModule> {
  const named = given ?? env['TENANCY_CONFIG'];
  const places = named === undefined ? [...packagePlaces(cwd), ...PLACES] : [named];
  const path = places.map((place) => resolve(cwd, place)).find((place) => existsSync(place));
  if (path === undefined) {
    throw new TenancyConfigurationError(
      named === undefined
        ? `There is no tenancy.config.ts here. \`tenants init\` writes one; looked for ${places.join(', ')} in ${cwd}.`
        : `There is no ${resolve(cwd, named)}.`,
    );
  }
  const module = await load(path);
  const { default: config, ...others } = module;
  if (typeof config !== 'function' && (typeof config !== 'object' || config === null)) {
    throw new TenancyConfigurationError(
      `${path} must export by default the options of TenantOrmManager.init, or a function that gives them.`,
    );
  }
  return { path, config: config as TenancyConfig, named: others };
}

function packagePlaces(cwd: string): string[] {
  const file = resolve(cwd, 'package.json');
  if (!existsSync(file)) {
    return [];
  }
  const manifest: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const { tenancy } = manifest as { readonly tenancy?: { readonly configPaths?: unknown } };
  const paths = tenancy?.configPaths;
  return Array.isArray(paths) ? paths.filter((path): path is string => typeof path === 'string') : [];
}

async function load(path: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'ERR_UNKNOWN_FILE_EXTENSION') {
      throw new TenancyConfigurationError(
        `Node.js ${process.versions.node} does not load ${path}. Use 22.18 or newer, or compile it to JavaScript.`,
        { cause: error },
      );
    }
    throw new TenancyConfigurationError(`${path} could not be loaded: ${messageOf(error)}`, { cause: error });
  }
}
