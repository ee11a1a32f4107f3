import type { Command } from 'commander';
import type { FleetPlan } from '../../migrations/fleet/FleetPlan.ts';
import type { CliOf } from '../program.ts';
import { addSelection, type SelectionOptions, selectionOf } from '../selection.ts';
import { table } from '../table.ts';
import { roomFor } from '../withReserve.ts';

export function addPlan(program: Command, cliOf: CliOf): void {
  addSelection(program.command('plan').description('what `tenants migrate` would do'))
    .option('--to <migration>', 'the last migration to apply')
    .option('--sql', 'the statements as well')
    .addHelpText('after', '\nExamples:\n  tenants plan\n  tenants plan --sql --to Migration002')
    .action((ids: string[], options: SelectionOptions & { to?: string; sql?: boolean }, command: Command) =>
      cliOf(command, (cli) =>
        cli.withManager(async ({ fleet }) => {
          const { to, sql = false } = options;
          const plan = await fleet.plan({ ...selectionOf(ids, options), to, sql, signal: cli.io.signal });
          cli.output.result(plan, planLines(plan));
        }, roomFor()),
      ),
    );
}

export function planLines({ counts, migrations, waves }: FleetPlan): string[] {
  const { tenants, behind, current, failed } = counts;
  const rows = waves.flatMap((wave, index) =>
    wave
      .filter(({ pending, error }) => pending.length > 0 || error !== undefined)
      .map(({ tenantId, server, from, pending, error }) => [
        ...[index + 1, tenantId, server, from],
        error === undefined ? pending.join(' ') : `cannot be asked: ${error.message}`,
      ]),
  );
  const statements = migrations.flatMap(({ name, sql, sqlUnknownBecause }) => {
    if (sql === undefined && sqlUnknownBecause === undefined) {
      return [];
    }
    return [
      '',
      `-- ${name}`,
      ...(sql?.map((one) => `${one};`) ?? [`-- cannot be said before it runs: ${sqlUnknownBecause}`]),
    ];
  });
  const summary = `${tenants} tenants: ${behind} behind, ${current} current, ${failed} cannot be asked.`;
  return [...table(['WAVE', 'TENANT', 'SERVER', 'FROM', 'PENDING'], rows), summary, ...statements];
}
