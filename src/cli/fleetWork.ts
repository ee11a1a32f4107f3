import type { FleetWorkOptions } from '../migrations/fleet/FleetOptions.ts';
import type { FleetWaveReport } from '../migrations/fleet/FleetRun.ts';
import type { Cli } from './Cli.ts';

/** What `--concurrency` is, for the help of a command. */
export const CONCURRENCY_OPTION =
  'how many tenants of each server at once; otherwise four, or as many as its connections have room for';

/** How this process goes about a run: with a line of progress, and a question between waves where that is asked for. */
export function fleetWork(
  cli: Cli,
  { concurrency, ask = false }: { readonly concurrency?: number | undefined; readonly ask?: boolean },
): { readonly work: FleetWorkOptions; readonly end: () => void } {
  const progress = cli.progress(0);
  const between = async ({ wave: number, waves, counts, next }: FleetWaveReport): Promise<boolean> => {
    progress.end();
    return cli.confirm(
      `Wave ${number} of ${waves} is done: ${counts.failed} of ${counts.tenants} failed. Go on with the next ${next}?`,
    );
  };
  const work: FleetWorkOptions = {
    concurrencyPerServer: concurrency,
    signal: cli.io.signal,
    ...(ask ? { between } : {}),
    onProgress: ({ tenantId, state, migrations, error }, counts) => {
      const done = counts.done + counts.unchanged + counts.failed;
      const what = error === undefined ? `${state}, ${migrations.length} migrations` : `failed: ${error.message}`;
      progress.settled(tenantId, what, { failed: state === 'failed', total: counts.tenants, done });
    },
  };
  return { work, end: () => progress.end() };
}
