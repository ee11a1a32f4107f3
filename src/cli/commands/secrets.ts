import type { Command } from 'commander';
import { secretStoreOf } from '../../provisioning/roles/credentialsOf.ts';
import { EncryptedSecretStore } from '../../secrets/EncryptedSecretStore.ts';
import { UsageError } from '../CliIo.ts';
import { rolesOf } from '../diagnoseRoles.ts';
import type { CliOf } from '../program.ts';

export function addSecrets(program: Command, cliOf: CliOf): void {
  const secrets = program.command('secrets').description('the secrets of tenants in the central database');
  secrets
    .command('reencrypt')
    .description('encrypt by the current key what is encrypted by another one, which can go afterwards')
    .addHelpText('after', '\nExample:\n  tenants secrets reencrypt')
    .action((_options: object, command: Command) =>
      cliOf(command, async (cli) => {
        const roles = rolesOf(await cli.managerOptions());
        await cli.withCentral(async (central) => {
          const store = roles && secretStoreOf(roles, central);
          if (!(store instanceof EncryptedSecretStore)) {
            throw new UsageError('`roles.secrets` gives no keys: the secrets are not in the central database.');
          }
          const count = await store.reencrypt();
          cli.output.result({ reencrypted: count, key: store.currentKey }, [
            `${count} encrypted by the key "${store.currentKey}"`,
          ]);
        });
      }),
    );
}
