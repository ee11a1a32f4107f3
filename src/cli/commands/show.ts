import type { Command } from 'commander';
import type { CliOf } from '../program.ts';
import { table } from '../table.ts';
import { inFull, tenantOf } from '../tenantOf.ts';

export function addShow(program: Command, cliOf: CliOf): void {
  program
    .command('show')
    .description('one tenant, with its columns, and where its schema stands')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  tenants show acme')
    .action((id: string, _options: object, command: Command) =>
      cliOf(command, (cli) =>
        cli.withManager(async (manager) => {
          const tenant = await tenantOf(manager, id);
          const { tenants } = await manager.fleet.status({ ids: [id] });
          const [schema] = tenants;
          const columns = Object.entries(inFull(tenant)).map(([name, value]) => [name, value]);
          const { state, ...version } = schema ?? { state: 'failed' };
          const lines = [...table(['', ''], [...columns, ['schema', state], ...Object.entries(version)])].slice(1);
          cli.output.result({ ...inFull(tenant), schema }, lines);
        }),
      ),
    );
}
