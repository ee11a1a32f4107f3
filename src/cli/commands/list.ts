import type { Command } from 'commander';
import { serverOf, statusOf, TENANT_STATUSES } from '../../tenant/Tenant.ts';
import type { CliOf } from '../program.ts';
import { addSelection, type SelectionOptions, selected } from '../selection.ts';
import { table } from '../table.ts';
import { inFull } from '../tenantOf.ts';

export function addList(program: Command, cliOf: CliOf): void {
  addSelection(program.command('list').description('the tenants of the catalogue'))
    .addHelpText(
      'after',
      '\nExamples:\n  tenants list\n  tenants list --status suspended --json\n  tenants list --metadata plan=pro',
    )
    .action((ids: string[], options: SelectionOptions, command: Command) =>
      cliOf(command, async (cli) => {
        const tenants = await cli.withManager((manager) =>
          selected(manager, ids, { status: TENANT_STATUSES, ...options }),
        );
        const rows = tenants.map((one) => [
          one.id,
          statusOf(one),
          serverOf(one),
          one.database,
          one.domains?.join(' ') ?? '',
        ]);
        cli.output.result(tenants.map(inFull), table(['TENANT', 'STATUS', 'SERVER', 'DATABASE', 'DOMAINS'], rows));
        if (tenants.length === 0) {
          cli.output.note('There is no such tenant.');
        }
      }),
    );
}
