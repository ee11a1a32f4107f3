import type { Command } from 'commander';
import { reportLines, stateOf } from '../fleetReport.ts';
import type { CliOf } from '../program.ts';
import { atLeast } from '../selection.ts';
import { table } from '../table.ts';

export function addRuns(program: Command, cliOf: CliOf): void {
  program
    .command('runs')
    .description('the runs of migrations, the newest first, or one of them')
    .argument('[run]')
    .option('--limit <n>', 'how many', atLeast(1), 20)
    .addHelpText('after', '\nExamples:\n  tenants runs\n  tenants runs 17 --json')
    .action((run: string | undefined, { limit }: { limit: number }, command: Command) =>
      cliOf(command, (cli) =>
        cli.withManager(async ({ fleet }) => {
          if (run !== undefined) {
            const report = await fleet.report(run);
            return cli.output.result(report, reportLines(report));
          }
          const runs = await fleet.runs({ limit });
          const rows = runs.map((one) => [one.id, one.kind, stateOf(one), one.settings.to, one.by, one.startedAt]);
          cli.output.result(runs, table(['RUN', 'KIND', 'STATE', 'TO', 'BY', 'STARTED'], rows));
        }),
      ),
    );
}
