import type { CentralDatabase } from '../../central/CentralDatabase.ts';
import { EncryptedSecretStore } from '../../secrets/EncryptedSecretStore.ts';
import { isSecretStore, type SecretStore } from '../../secrets/SecretStore.ts';
import type { Tenant } from '../../tenant/Tenant.ts';
import type { CheckedRoles } from './RolesOptions.ts';
import { TenantCredentials } from './TenantCredentials.ts';

/** The store of one's own, or the one in the central database. */
export function secretStoreOf<T extends Tenant>(
  { secrets }: Pick<CheckedRoles, 'secrets'>,
  central: CentralDatabase<T> | undefined,
): SecretStore {
  return isSecretStore(secrets)
    ? secrets
    : new EncryptedSecretStore((text, parameters) => (central as CentralDatabase<T>).sql(text, parameters), secrets);
}

export function credentialsOf<T extends Tenant>(
  options: CheckedRoles,
  central: CentralDatabase<T> | undefined,
): TenantCredentials {
  return new TenantCredentials(secretStoreOf(options, central));
}
