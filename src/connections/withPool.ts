import { z } from 'zod';
import { TenancyConfigurationError } from '../errors.ts';
import { LONGEST_DELAY_MS } from './Clock.ts';
import { SERVER_DEFAULTS, type ServerOptions } from './ServerOptions.ts';

const time = z.int().min(1).max(LONGEST_DELAY_MS).optional();

const shape = z.strictObject({
  min: z.int().min(0).optional(),
  max: z.int().min(1).optional(),
  idleTimeoutMillis: time,
  acquireTimeoutMillis: time,
});

/** What each of MikroORM's `pool` options is called on a server. */
const MEANINGS = [
  ['max', 'maxConnectionsPerTenant'],
  ['idleTimeoutMillis', 'idleTimeoutMs'],
  ['acquireTimeoutMillis', 'acquireTimeoutMs'],
] as const;

/**
 * The options of a server with those of MikroORM's `pool`, which mean the same for each tenant. Throws
 * `TenancyConfigurationError` where the two contradict each other.
 */
export function withPool(name: string, options: string | ServerOptions, pool: unknown): string | ServerOptions {
  const parsed = shape.safeParse(pool ?? {});
  if (!parsed.success) {
    throw new TenancyConfigurationError(`\`orm.pool\`: ${z.prettifyError(parsed.error)}`);
  }
  const server: ServerOptions = typeof options === 'string' ? { url: options } : options;
  const { min = 0, max } = parsed.data;
  if (min > 0) {
    throw new TenancyConfigurationError(
      `\`orm.pool.min\` (${min}) would keep idle connections of every tenant, and the budget gives them to whoever needs ` +
        'one. Leave it out.',
    );
  }
  const maxConnections = server.maxConnections ?? SERVER_DEFAULTS.maxConnections;
  if (max !== undefined && max > maxConnections) {
    throw new TenancyConfigurationError(
      `\`orm.pool.max\` (${max}) is more than \`maxConnections\` of server "${name}" (${maxConnections}), which all ` +
        'tenants share. Lower the one or raise the other.',
    );
  }
  const merged: Record<string, unknown> = { ...server };
  for (const [ofPool, ofServer] of MEANINGS) {
    const [given, own] = [parsed.data[ofPool], server[ofServer]];
    if (given !== undefined && own !== undefined && given !== own) {
      throw new TenancyConfigurationError(
        `\`orm.pool.${ofPool}\` (${given}) and \`${ofServer}\` of server "${name}" (${own}) are the same thing. Give one.`,
      );
    }
    merged[ofServer] = own ?? given;
  }
  return merged as unknown as ServerOptions;
}
