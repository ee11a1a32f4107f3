import type { FleetReport, FleetRun } from '../migrations/fleet/FleetRun.ts';
import type { Cli } from './Cli.ts';
import { EXIT } from './CliIo.ts';
import { table } from './table.ts';

export function stateOf({ state, stoppedBecause }: FleetRun): string {
  return stoppedBecause === undefined ? state : `${state}: ${stoppedBecause}`;
}

/** What failed, and what the run came to. */
export function reportLines(report: FleetReport): string[] {
  const failures = report.items.filter(({ error }) => error !== undefined);
  const rows = failures.map(({ tenantId, state, attempts, error }) => [
    ...[tenantId, state, attempts, error?.migration, error?.sqlState],
    error?.message,
  ]);
  const { tenants, done, unchanged, failed, pending, running } = report.counts;
  const name = report.id === undefined ? 'The run' : `Run ${report.id}`;
  const left = pending + running === 0 ? '' : `, ${pending + running} left`;
  return [
    ...table(['TENANT', 'STATE', 'TRIES', 'MIGRATION', 'SQLSTATE', 'ERROR'], rows),
    `${name} is ${stateOf(report)}. ${tenants} tenants: ${done} changed, ${unchanged} unchanged, ${failed} failed${left}.`,
  ];
}

/** The exit code, and what may be done next. */
export function endOf(cli: Cli, { id, state, counts }: FleetReport): number {
  if (cli.io.signal.aborted) {
    cli.output.note(id === undefined ? 'Interrupted.' : `Interrupted. Go on with: tenants migrate --resume ${id}`);
    return EXIT.interrupted;
  }
  if (state === 'stopped' && id !== undefined) {
    cli.output.note(`Go on with: tenants migrate --resume ${id}`);
  } else if (counts.failed > 0 && id !== undefined) {
    cli.output.note(`Try those that failed once more with: tenants migrate --retry ${id}`);
  }
  return counts.failed > 0 || state === 'stopped' ? EXIT.failed : EXIT.ok;
}
