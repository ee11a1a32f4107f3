import type { Command } from 'commander';
import type { FleetStatus, TenantStatusReport } from '../../migrations/status/FleetStatus.ts';
import { EXIT } from '../CliIo.ts';
import type { CliOf } from '../program.ts';
import { addSelection, type SelectionOptions, selectionOf } from '../selection.ts';
import { table } from '../table.ts';
import { roomFor } from '../withReserve.ts';

interface StatusOptions extends SelectionOptions {
  readonly behind?: boolean;
  readonly drift?: boolean;
  readonly check?: boolean;
}

export function addStatus(program: Command, cliOf: CliOf): void {
  addSelection(program.command('status').description('where the schemas of tenants stand'))
    .option('--behind', 'only those that lack something')
    .option('--drift', 'compare each schema with what its migrations come to')
    .option('--check', 'exit with 1 where somebody is behind, has failed, or has drifted')
    .addHelpText(
      'after',
      '\nExamples:\n  tenants status\n  tenants status --behind --check\n  tenants status acme --drift --json',
    )
    .action((ids: string[], options: StatusOptions, command: Command) =>
      cliOf(command, (cli) =>
        cli.withManager(async ({ fleet }) => {
          const { behind = false, drift = false, check = false } = options;
          const status = await fleet.status({ ...selectionOf(ids, options), behind, drift, signal: cli.io.signal });
          cli.output.result(status, statusLines(status));
          const { counts } = status;
          return check && counts.behind + counts.failed + (counts.drifted ?? 0) > 0 ? EXIT.failed : EXIT.ok;
        }, roomFor()),
      ),
    );
}

function statusLines({ latest, counts, tenants, recorded }: FleetStatus): string[] {
  const rows = tenants
    .filter((one) => remarksOf(one) !== '' || tenants.length <= 50)
    .map((one) => [
      ...[one.tenantId, one.server, one.state],
      one.state === 'failed' ? undefined : one.version,
      remarksOf(one),
    ]);
  const more = recorded ? [`${counts.edited} with edited migrations`] : [];
  const drifted = counts.drifted === undefined ? [] : [`${counts.drifted} drifted`];
  const parts = [
    `${counts.current} current`,
    `${counts.behind} behind`,
    `${counts.ahead} ahead`,
    `${counts.failed} cannot be asked`,
  ];
  return [
    ...table(['TENANT', 'SERVER', 'STATE', 'VERSION', 'REMARKS'], rows),
    `${counts.tenants} tenants: ${[...parts, ...more, ...drifted].join(', ')}. The newest migration is ${latest ?? 'none'}.`,
  ];
}

function remarksOf(one: TenantStatusReport): string {
  if (one.state === 'failed') {
    return one.error.message;
  }
  const lists: [string, readonly string[]][] = [
    ['lacks', one.pending],
    ['edited', one.edited ?? []],
    ['not known any more', one.missing],
    ['out of order', one.outOfOrder],
    ['newer than this application', one.ahead],
  ];
  const remarks = lists.filter(([, names]) => names.length > 0).map(([what, names]) => `${what}: ${names.join(' ')}`);
  const { drift } = one;
  if (drift?.is === 'different') {
    remarks.push(
      `drifted: ${drift.differences
        .map(({ kind, name }) => `${kind} ${name}`)
        .slice(0, 5)
        .join(', ')}`,
    );
  } else if (drift?.is === 'unknown') {
    remarks.push(`drift is not known: ${drift.because}`);
  }
  return remarks.join('; ');
}
