import type { PeerKind, PeerServerOptions } from './PeerProcess.ts';
import type { SideOptions } from './sides/Side.ts';

/** One column of the comparison. */
export interface PeerSide {
  readonly name: string;
  readonly is: PeerKind;
  /** Whether it closes the least recently used tenants. */
  readonly isCache: boolean;
}

export const OURS = 'mikro-orm-multitenancy';

const layers: readonly (readonly [string, PeerKind])[] = [
  ['MikroORM', 'mikroOrm'],
  ['TypeORM', 'typeOrm'],
  ['Prisma', 'prisma'],
  ['Drizzle', 'drizzle'],
  ['Kysely', 'kysely'],
];

/** Ours, a Map of each, and a cache of each. */
export const sides: readonly PeerSide[] = [
  { name: OURS, is: 'tenancy', isCache: false },
  ...layers.map(([name, is]) => ({ name, is, isCache: false })),
  ...layers.map(([name, is]) => ({ name: `${name}, LRU`, is, isCache: true })),
];

/** What PostgreSQL has by default. */
export const SERVER_CONNECTIONS = 100;
/** What a process may take of them, so that an administrator still gets in. */
const PROCESS_CONNECTIONS = 90;
/** What a sensible user gives a tenant, and how long `pg` keeps an idle connection by default. */
const EACH = 4;
const IDLE_MS = 10_000;
/** A cache can hold to the limit: so many tenants with two connections each. */
const CACHE = { maxOpenTenants: PROCESS_CONNECTIONS / 2, maxConnectionsPerTenant: 2 };

/** The application of a side over these databases. */
export function optionsOf(
  { is, isCache }: PeerSide,
  place: Pick<SideOptions, 'url' | 'databases'> & { readonly idleTimeoutMs?: number },
): PeerServerOptions {
  return {
    is,
    maxConnections: PROCESS_CONNECTIONS,
    maxConnectionsPerTenant: EACH,
    idleTimeoutMs: IDLE_MS,
    ...place,
    ...(isCache ? CACHE : {}),
  };
}
