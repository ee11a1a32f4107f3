import type { Command } from 'commander';
import { RESERVED_IDS } from '../../catalog/TenantRules.ts';
import { TenancyConfigurationError } from '../../errors.ts';
import { EXIT } from '../CliIo.ts';
import { diagnose, type Finding } from '../diagnose.ts';
import type { CliOf } from '../program.ts';
import { table } from '../table.ts';

export function addDoctor(program: Command, cliOf: CliOf): void {
  program
    .command('doctor')
    .description('look for what is wrong with servers, budgets, roles, databases and versions')
    .addHelpText('after', '\nExamples:\n  tenants doctor\n  tenants doctor --json')
    .action((_options: object, command: Command) =>
      cliOf(command, (cli) =>
        cli.withManager(async (manager) => {
          const options = await cli.managerOptions().catch((error: unknown) => {
            if (error instanceof TenancyConfigurationError) {
              throw error;
            }
            return undefined;
          });
          const findings = await diagnose(manager, options, RESERVED_IDS);
          const rows = findings.map(({ is, about, what }) => [SIGNS[is], about, what]);
          cli.output.result(findings, table(['', 'ABOUT', 'WHAT'], rows));
          return findings.some(({ is }) => is === 'wrong') ? EXIT.failed : EXIT.ok;
        }),
      ),
    );
}

const SIGNS: Readonly<Record<Finding['is'], string>> = { fine: 'ok', doubtful: 'WARNING', wrong: 'ERROR' };
