import type { Command } from 'commander';
import { TenantDomains } from '../../domains/TenantDomains.ts';
import type { Tenant } from '../../tenant/Tenant.ts';
import type { Cli } from '../Cli.ts';
import { EXIT, UsageError } from '../CliIo.ts';
import type { CliOf } from '../program.ts';
import { table } from '../table.ts';
import { tenantOf } from '../tenantOf.ts';

interface Details {
  readonly domain: string;
  readonly isPrimary: boolean;
  readonly verifiedAt: Date | undefined;
}

const detailsOf = (tenant: Tenant): readonly Details[] =>
  (tenant as { readonly domainDetails?: readonly Details[] }).domainDetails ??
  (tenant.domains ?? []).map((domain, index) => ({ domain, isPrimary: index === 0, verifiedAt: undefined }));

export function addDomains(program: Command, cliOf: CliOf): void {
  const domains = program.command('domains').description('the domains of a tenant');

  domains
    .command('list', { isDefault: true })
    .description('which domains a tenant has')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  tenants domains acme')
    .action((id: string, _options: object, command: Command) =>
      cliOf(command, (cli) => cli.withManager(async (manager) => show(cli, await tenantOf(manager, id)))),
    );

  domains
    .command('add')
    .description('add a domain; it leads to the tenant once it is verified')
    .argument('<id>')
    .argument('<domain>')
    .option('--verified', 'you have seen yourself that the domain is the tenant’s')
    .addHelpText(
      'after',
      '\nExamples:\n  tenants domains add acme acme.com\n  tenants domains add acme acme.com --verified',
    )
    .action((id: string, domain: string, { verified }: { verified?: boolean }, command: Command) =>
      cliOf(command, (cli) =>
        cli.withCentral(async ({ tenants }) => {
          if (verified === true) {
            return show(cli, await tenants.addDomain(id, domain, { isVerified: true }));
          }
          const challenge = await (await challenges(cli, tenants)).addDomain(id, domain);
          const lines = [`Ask the tenant for this record, then run: tenants domains verify ${id} ${challenge.domain}`];
          cli.output.result(challenge, [...lines, `  ${challenge.name} TXT "${challenge.value}"`]);
        }),
      ),
    );

  domains
    .command('verify')
    .description('look for the record that shows that a domain is the tenant’s')
    .argument('<id>')
    .argument('<domain>')
    .addHelpText('after', '\nExample:\n  tenants domains verify acme acme.com')
    .action((id: string, domain: string, _options: object, command: Command) =>
      cliOf(command, (cli) =>
        cli.withCentral(async ({ tenants }) => {
          const verification = await (await challenges(cli, tenants)).verifyDomain(id, domain);
          if (verification.is === 'verified') {
            show(cli, verification.tenant);
            return EXIT.ok;
          }
          const { name, value } = verification.challenge;
          const why = verification.is === 'missing' ? 'The record is not there' : 'The DNS did not answer';
          cli.output.result(verification, [`${why}: ${name} TXT "${value}"`]);
          return EXIT.failed;
        }),
      ),
    );

  for (const [name, description, method] of [
    ['primary', 'make a domain the one that others are redirected to', 'setPrimaryDomain'],
    ['remove', 'remove a domain', 'removeDomain'],
  ] as const) {
    domains
      .command(name)
      .description(description)
      .argument('<id>')
      .argument('<domain>')
      .addHelpText('after', `\nExample:\n  tenants domains ${name} acme acme.com`)
      .action((id: string, domain: string, _options: object, command: Command) =>
        cliOf(command, async (cli) => {
          if (name === 'remove' && !(await cli.confirm(`Remove ${domain} from ${id}?`))) {
            return cli.output.note('Nothing was changed.');
          }
          await cli.withCentral(async ({ tenants }) => show(cli, await tenants[method](id, domain)));
        }),
      );
  }
}

function show(cli: Cli, tenant: Tenant): void {
  const details = detailsOf(tenant);
  const rows = details.map(({ domain, isPrimary, verifiedAt }) => [
    domain,
    isPrimary ? 'primary' : '',
    verifiedAt?.toISOString(),
  ]);
  cli.output.result(details, table(['DOMAIN', '', 'VERIFIED'], rows));
}

async function challenges(
  cli: Cli,
  store: ConstructorParameters<typeof TenantDomains>[0]['store'],
): Promise<TenantDomains> {
  const { named, path } = await cli.config();
  const { domainSecrets } = named;
  if (!Array.isArray(domainSecrets)) {
    throw new UsageError(
      `${path} must export \`domainSecrets\`, the secrets of TenantDomains, for records to be made. Or add --verified.`,
    );
  }
  return new TenantDomains({ store, secrets: domainSecrets as string[] });
}
