import type { Profiler } from 'node:inspector/promises';

/** Whose code a function is. Ours is in three parts, of which the second does what pg-pool does elsewhere. */
export type Owner =
  | 'our tenancy, run and acquire'
  | 'our connections'
  | 'our owner guard'
  | 'pg-pool'
  | 'MikroORM'
  | 'Kysely'
  | 'pg'
  | 'Koa'
  | 'Node.js'
  | 'garbage collection'
  | 'others'
  | 'idle';

type CallFrame = Profiler.ProfileNode['callFrame'];

export interface FunctionTime {
  readonly owner: Owner;
  /** As `find catalog/CachedCatalog.js:74`. */
  readonly name: string;
  readonly us: number;
}

const PACKAGES: readonly (readonly [RegExp, Owner])[] = [
  [/\/node_modules\/@mikro-orm\//, 'MikroORM'],
  [/\/node_modules\/kysely\//, 'Kysely'],
  [/\/node_modules\/pg-pool\//, 'pg-pool'],
  [/\/node_modules\/(?:pg|pg-[a-z-]+|postgres-[a-z]+|packet-reader|pgpass)\//, 'pg'],
  [
    /\/node_modules\/(?:koa|koa-[a-z]+|accepts|content-[a-z]+|cookies|delegates|destroy|encodeurl|escape-html|fresh|http-assert|http-errors|mime-[a-z]+|negotiator|on-finished|parseurl|statuses|type-is|vary)\//,
    'Koa',
  ],
  [/\/node_modules\/lru-cache\//, 'our tenancy, run and acquire'],
  [/\/node_modules\//, 'others'],
  [/^node:/, 'Node.js'],
  [/\/(?:dist|src)\/connections\//, 'our connections'],
  [/\/(?:dist|src)\/(?:context\/OwnerGuard|orm\/guarded|orm\/TenantDriver)/, 'our owner guard'],
  [/\/(?:dist|src)\//, 'our tenancy, run and acquire'],
];

/** The time of each function itself, without what it calls, from V8's samples. */
export function timesOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): FunctionTime[] {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map<string, FunctionTime>();
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id);
    if (frame !== undefined) {
      const owner = ownerOf(frame);
      const name = nameOf(frame);
      const us = (times.get(`${owner} ${name}`)?.us ?? 0) + (timeDeltas[index] ?? 0);
      times.set(`${owner} ${name}`, { owner, name, us });
    }
  }
  return [...times.values()].sort((one, other) => other.us - one.us);
}

/** What all owners but `idle` took. */
export function busyUs(times: readonly FunctionTime[]): number {
  return times.reduce((sum, { owner, us }) => sum + (owner === 'idle' ? 0 : us), 0);
}

function ownerOf({ url, functionName }: CallFrame): Owner {
  if (url === '') {
    switch (functionName) {
      case '(idle)':
        return 'idle';
      case '(garbage collector)':
        return 'garbage collection';
      case '(program)':
        return 'Node.js';
      default:
        // MikroORM compiles functions of its own for each entity, which have no file; built-ins have none either.
        return functionName === '' || functionName === 'anonymous' ? 'MikroORM' : 'Node.js';
    }
  }
  return PACKAGES.find(([pattern]) => pattern.test(url))?.[1] ?? 'others';
}

function nameOf({ url, functionName, lineNumber }: CallFrame): string {
  const file = url.replace(/^.*\/(?:dist|node_modules)\//, '');
  return `${functionName || '(anonymous)'} ${file}${url === '' ? '' : `:${lineNumber + 1}`}`;
}
