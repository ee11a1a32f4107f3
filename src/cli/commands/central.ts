import type { Command } from 'commander';
import type { CliOf } from '../program.ts';

export function addCentral(program: Command, cliOf: CliOf): void {
  const central = program.command('central').description('the central database');
  central
    .command('migrate')
    .description("apply the migrations of the catalogue, and then the application's own of the central database")
    .option('--create-database', 'create the database first where it is missing')
    .addHelpText('after', '\nExample:\n  tenants central migrate --create-database')
    .action((options: { createDatabase?: boolean }, command: Command) =>
      cliOf(command, (cli) =>
        cli.withCentral(async (database) => {
          const applied = await database.migrate({ createDatabase: options.createDatabase === true });
          const names = applied.map(({ name }) => name);
          cli.output.result(names, names.length === 0 ? ['Nothing was pending.'] : names);
        }),
      ),
    );
}
