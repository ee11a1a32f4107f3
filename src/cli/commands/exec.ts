import type { Command } from 'commander';
import type { Tenant } from '../../tenant/Tenant.ts';
import { EXIT } from '../CliIo.ts';
import { EACH_CONCURRENCY, type EachTenantOptions, forEachTenant } from '../forEachTenant.ts';
import type { CliOf } from '../program.ts';
import { addSelection, atLeast } from '../selection.ts';
import { table } from '../table.ts';

export function addExec(program: Command, cliOf: CliOf): void {
  addSelection(program.command('exec').argument('<sql>', 'one statement'))
    .description('run a statement in the database of each tenant, in a transaction that only reads')
    .option('--write', 'let it write')
    .option('--concurrency <n>', 'how many tenants at once', atLeast(1), EACH_CONCURRENCY)
    .addHelpText(
      'after',
      "\nExamples:\n  tenants exec 'select count(*) from house'\n  tenants exec 'delete from session' acme --write --yes",
    )
    .action((sql: string, ids: string[], options: EachTenantOptions & { write?: boolean }, command: Command) =>
      cliOf(command, async (cli) => {
        const readOnly = options.write !== true;
        if (
          !readOnly &&
          !(await cli.confirm(`Run this in ${ids.length === 0 ? 'every tenant' : ids.join(', ')}: ${sql}?`))
        ) {
          cli.output.note('Nothing was changed.');
          return EXIT.ok;
        }
        return cli.withManager(async (manager) => {
          const work = ({ id }: Tenant): Promise<Record<string, unknown>[]> =>
            manager.run(id, (em) => em.transactional((tx) => tx.execute(sql), { readOnly }));
          const { results, code } = await forEachTenant(cli, manager, ids, options, work);
          const rows = results.flatMap((one) =>
            one.ok === true ? one.value.map((row) => ({ tenant: one.tenantId, ...row })) : [],
          );
          const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
          const cells = rows.map((row) => columns.map((column) => (row as Record<string, unknown>)[column]));
          cli.output.result(results, table(columns, cells));
          return code;
        });
      }),
    );
}
