import type { Command } from 'commander';
import type { Tenant } from '../../tenant/Tenant.ts';
import { EXIT } from '../CliIo.ts';
import { EACH_CONCURRENCY, type EachTenantOptions, forEachTenant } from '../forEachTenant.ts';
import type { CliOf } from '../program.ts';
import { addSelection, atLeast } from '../selection.ts';

export function addSeed(program: Command, cliOf: CliOf): void {
  addSelection(program.command('seed').description('run a MikroORM seeder for each tenant; needs @mikro-orm/seeder'))
    .requiredOption('--class <name>', 'the class of the seeder, in the folder of `orm.seeder.path`')
    .option('--concurrency <n>', 'how many tenants at once', atLeast(1), EACH_CONCURRENCY)
    .addHelpText('after', '\nExample:\n  tenants seed acme --class DemoSeeder --yes')
    .action((ids: string[], options: EachTenantOptions & { class: string }, command: Command) =>
      cliOf(command, async (cli) => {
        if (!(await cli.confirm(`Run ${options.class} in ${ids.length === 0 ? 'every tenant' : ids.join(', ')}?`))) {
          cli.output.note('Nothing was changed.');
          return EXIT.ok;
        }
        return cli.withManager(async (manager) => {
          const work = async ({ id }: Tenant): Promise<void> => {
            await using lease = await manager.acquire(id);
            // As the tenant, for seeders that ask who they work for.
            await lease.run(() => lease.orm.seeder.seedString(options.class));
          };
          const { results, code } = await forEachTenant(cli, manager, ids, options, work);
          cli.output.result(results, []);
          return code;
        });
      }),
    );
}
