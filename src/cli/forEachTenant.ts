import pMap from 'p-map';
import { messageOf } from '../errors.ts';
import type { TenantOrmManager } from '../TenantOrmManager.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import type { Cli } from './Cli.ts';
import { EXIT } from './CliIo.ts';
import { type SelectionOptions, selected } from './selection.ts';

/** How many tenants at once where nobody says. */
export const EACH_CONCURRENCY = 4;

export interface EachTenantOptions extends SelectionOptions {
  readonly concurrency: number;
}

/** What became of one tenant. */
export type TenantResult<R> =
  | { readonly tenantId: string; readonly ok: true; readonly value: R }
  | { readonly tenantId: string; readonly ok: false; readonly error: unknown }
  /** It was not begun: the command was interrupted before. */
  | { readonly tenantId: string; readonly ok: undefined };

/** Does the same for each tenant, some at a time; one that fails stops nobody else. Gives the exit code as well. */
export async function forEachTenant<R>(
  cli: Cli,
  manager: TenantOrmManager<Tenant>,
  ids: readonly string[],
  options: EachTenantOptions,
  work: (tenant: Tenant) => Promise<R>,
): Promise<{ readonly results: TenantResult<R>[]; readonly code: number }> {
  const tenants = await selected(manager, ids, options);
  const progress = cli.progress(tenants.length);
  const attempt = async (tenant: Tenant): Promise<TenantResult<R>> => {
    const { id: tenantId } = tenant;
    if (cli.io.signal.aborted) {
      return { tenantId, ok: undefined };
    }
    try {
      const value = await work(tenant);
      progress.settled(tenantId, 'done');
      return { tenantId, ok: true, value };
    } catch (error) {
      progress.settled(tenantId, `failed: ${messageOf(error)}`, { failed: true });
      return { tenantId, ok: false, error };
    }
  };
  const results = await pMap(tenants, attempt, { concurrency: options.concurrency });
  progress.end();
  const failed = results.filter(({ ok }) => ok === false).length;
  cli.output.note(`${tenants.length} tenants: ${failed} failed.`);
  const code = cli.io.signal.aborted ? EXIT.interrupted : failed > 0 ? EXIT.failed : EXIT.ok;
  return { results, code };
}
