import { CredentialsError } from './connectFailure.ts';
import type { Password } from './ServerOptions.ts';

/** The password for one connection. Rejects with `TenantConnectionError` where a function does not give one. */
export async function passwordOf(password: Password | undefined, tenantId: string): Promise<string | undefined> {
  if (typeof password !== 'function') {
    return password;
  }
  let given: unknown;
  try {
    given = await password();
  } catch (error) {
    throw new CredentialsError(tenantId, 'the function `password` of its server failed', error);
  }
  if (typeof given !== 'string') {
    throw new CredentialsError(tenantId, 'the function `password` of its server gave something else than a string');
  }
  return given;
}
