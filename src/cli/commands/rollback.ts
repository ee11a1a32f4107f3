import type { Command } from 'commander';
import { EXIT } from '../CliIo.ts';
import { endOf, reportLines } from '../fleetReport.ts';
import { CONCURRENCY_OPTION, fleetWork } from '../fleetWork.ts';
import type { CliOf } from '../program.ts';
import { atLeast } from '../selection.ts';
import { roomFor } from '../withReserve.ts';

export function addRollback(program: Command, cliOf: CliOf): void {
  program
    .command('rollback')
    .description('take back what a run applied, and nothing else')
    .argument('<run>')
    .option('--concurrency <n>', CONCURRENCY_OPTION, atLeast(1))
    .option('--by <name>', 'who does it, for the ledger')
    .addHelpText('after', '\nExample:\n  tenants rollback 17 --yes')
    .action((run: string, { concurrency, by }: { concurrency?: number; by?: string }, command: Command) =>
      cliOf(command, (cli) =>
        cli.withManager(async ({ fleet }) => {
          const { counts, startedAt } = await fleet.report(run);
          if (!(await cli.confirm(`Take back run ${run} of ${startedAt} from ${counts.done} tenants or more?`))) {
            cli.output.note('Nothing was changed.');
            return EXIT.ok;
          }
          const { work, end } = fleetWork(cli, { concurrency });
          const report = await fleet.rollback(run, { ...work, by }).finally(end);
          cli.output.result(report, reportLines(report));
          return endOf(cli, report);
        }, roomFor(concurrency)),
      ),
    );
}
