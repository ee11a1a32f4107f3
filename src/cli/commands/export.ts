import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { CliOf } from '../program.ts';

export function addExport(program: Command, cliOf: CliOf): void {
  program
    .command('export')
    .description('write a tenant’s data to a new file: a line of JSON for each row, or as pg_dump writes it')
    .argument('<id>')
    .argument('<file>')
    .addOption(new Option('--format <format>', 'what to write').choices(['json', 'dump']).default('json'))
    .option('--without <table...>', 'tables whose rows are left out, as public.session')
    .addHelpText(
      'after',
      '\nExamples:\n  tenants export acme acme.ndjson\n  tenants export acme acme.dump --format dump',
    )
    .action((id: string, file: string, options: { format: 'json' | 'dump'; without?: string[] }, command: Command) =>
      cliOf(command, (cli) =>
        cli.withManager(async (manager) => {
          // A file that is there is somebody's; nobody else may read this one.
          const to = createWriteStream(resolve(cli.io.cwd, file), { flags: 'wx', mode: 0o600 });
          const opened = new Promise((resolve, reject) => to.once('open', resolve).once('error', reject));
          await opened;
          try {
            await manager.export(id, to, { ...options, signal: cli.io.signal });
          } catch (error) {
            await rm(resolve(cli.io.cwd, file), { force: true });
            throw error;
          }
          cli.output.result({ tenantId: id, file }, [`${id}: written to ${file}`]);
        }),
      ),
    );
}
