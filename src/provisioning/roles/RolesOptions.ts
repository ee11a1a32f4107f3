import { z } from 'zod';
import { TenancyConfigurationError } from '../../errors.ts';
import { isSecretStore, type SecretKeys, type SecretStore } from '../../secrets/SecretStore.ts';

/** A role of PostgreSQL for each tenant, which can connect to its database and to no other. */
export interface RolesOptions {
  /** Where the roles' passwords are: a store of one's own, or the keys of the one in the central database. */
  readonly secrets: SecretStore | SecretKeys;
  /** The role that all of them are members of, and that may read and write in every tenant's database. @default 'tenancy_runtime' */
  readonly group?: string | undefined;
  /** What the names of the roles begin with. @default 'tenant_' */
  readonly prefix?: string | undefined;
  /** How many connections a role may have, of all processes together. @default no limit */
  readonly connectionLimit?: number | undefined;
  /** Settings of each role, as `{ statement_timeout: '30s' }`. @default none */
  readonly settings?: Readonly<Record<string, string | number>> | undefined;
}

export interface CheckedRoles {
  readonly secrets: SecretStore | SecretKeys;
  readonly group: string;
  readonly prefix: string;
  readonly connectionLimit: number;
  readonly settings: Readonly<Record<string, string | number>>;
}

const ROLE = /^[a-z_][a-z0-9_]{0,29}$/;
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

const shape = z.strictObject({
  secrets: z.custom<SecretStore | SecretKeys>(isObject, 'a secret store, or `{ current, keys }`'),
  group: z.string().regex(ROLE).default('tenancy_runtime'),
  prefix: z.string().regex(ROLE).default('tenant_'),
  connectionLimit: z.int().min(1).optional(),
  settings: z.record(z.string().regex(/^[a-z_]+(\.[a-z_]+)?$/), z.union([z.string(), z.number()])).default({}),
});

/** Checks the options and fills in the defaults. Throws `TenancyConfigurationError`. */
export function checkRoles(options: RolesOptions | undefined, hasCentral: boolean): CheckedRoles | undefined {
  if (options === undefined) {
    return undefined;
  }
  const parsed = shape.safeParse(options);
  if (!parsed.success) {
    throw new TenancyConfigurationError(`\`roles\`: ${z.prettifyError(parsed.error)}`);
  }
  const { connectionLimit = -1, ...rest } = parsed.data;
  if (!hasCentral && !isSecretStore(rest.secrets)) {
    throw new TenancyConfigurationError(
      '`roles.secrets`: keys are for the store in the central database, and there is none. Give `central`, or a store of your own.',
    );
  }
  return Object.freeze({ ...rest, connectionLimit });
}
