import pMap from 'p-map';
import type pg from 'pg';
import { messageOf } from '../errors.ts';
import { secretStoreOf } from '../provisioning/roles/credentialsOf.ts';
import { type CheckedRoles, checkRoles, type RolesOptions } from '../provisioning/roles/RolesOptions.ts';
import { TenantCredentials } from '../provisioning/roles/TenantCredentials.ts';
import { EncryptedSecretStore } from '../secrets/EncryptedSecretStore.ts';
import type { TenantOrmManager } from '../TenantOrmManager.ts';
import { serverOf, type Tenant } from '../tenant/Tenant.ts';
import type { Finding } from './diagnose.ts';
import type { AnyManagerOptions } from './TenancyConfig.ts';

/** A role of a tenant on one server. */
export interface RoleFacts {
  readonly name: string;
  readonly isPowerful: boolean;
  /** What it is a member of. */
  readonly groups: readonly string[];
  /** Databases that it may connect to by a grant of its own. */
  readonly databases: readonly string[];
}

const ROLES = `
  select rolname as name, rolsuper or rolcreatedb or rolcreaterole or rolbypassrls or rolreplication as "isPowerful",
    coalesce((select json_agg(roleid::regrole::text order by 1) from pg_auth_members where member = pg_roles.oid), '[]') as groups,
    coalesce((select json_agg(datname order by datname) from pg_database
      where exists (select from aclexplode(datacl) where grantee = pg_roles.oid and privilege_type = 'CONNECT')), '[]') as databases
  from pg_roles where starts_with(rolname, $1) order by rolname`;

export async function rolesOn(client: pg.Client, options: AnyManagerOptions | undefined): Promise<RoleFacts[]> {
  const roles = rolesOf(options);
  return roles === undefined ? [] : (await client.query<RoleFacts>(ROLES, [roles.prefix])).rows;
}

export function rolesOf(options: AnyManagerOptions | undefined): CheckedRoles | undefined {
  return checkRoles(options?.roles as RolesOptions | undefined, options?.central !== undefined);
}

/** Whether each tenant has its role, and each role nothing but its tenant. */
export async function ofRoles(
  manager: TenantOrmManager<Tenant>,
  roles: CheckedRoles,
  tenants: readonly Tenant[],
  byServer: ReadonlyMap<string, readonly RoleFacts[]>,
): Promise<Finding[]> {
  const central = manager.hasCentral ? manager.central : undefined;
  const store = secretStoreOf(roles, central);
  const credentials = new TenantCredentials(store);
  const findings: Finding[] = [];
  const known = new Set([roles.group]);
  const users = await pMap(
    tenants,
    async (tenant) => {
      try {
        return { tenant, user: (await credentials.read(tenant.id))?.user };
      } catch (error) {
        findings.push({ is: 'wrong', about: `tenant ${tenant.id}`, what: messageOf(error) });
        return { tenant, user: undefined };
      }
    },
    { concurrency: 4 },
  );
  for (const { tenant, user } of users) {
    if (user === undefined) {
      const what = `it has no role, and takes no work. Run: tenants rotate ${tenant.id}`;
      findings.push({ is: 'wrong', about: `tenant ${tenant.id}`, what });
    } else {
      known.add(user);
      const facts = byServer.get(serverOf(tenant))?.find(({ name }) => name === user);
      findings.push(...ofRole(tenant, user, facts, roles));
    }
  }
  for (const [server, facts] of byServer) {
    const lost = facts.map(({ name }) => name).filter((name) => !known.has(name));
    if (lost.length > 0) {
      findings.push({ is: 'doubtful', about: `server ${server}`, what: `roles of no tenant: ${lost.join(', ')}` });
    }
  }
  return [...findings, ...(await ofKeys(store))];
}

function ofRole(
  { id, database }: Tenant,
  user: string,
  facts: RoleFacts | undefined,
  { group }: CheckedRoles,
): Finding[] {
  const about = `tenant ${id}`;
  if (facts === undefined) {
    return [{ is: 'wrong', about, what: `its role "${user}" is not on its server` }];
  }
  const findings: Finding[] = [];
  if (facts.isPowerful) {
    findings.push({ is: 'wrong', about, what: `its role "${user}" may do more than work with rows` });
  }
  const others = facts.groups.filter((name) => name !== group);
  if (others.length > 0) {
    findings.push({ is: 'wrong', about, what: `its role "${user}" is a member of ${others.join(', ')}` });
  }
  const foreign = facts.databases.filter((name) => name !== database);
  if (foreign.length > 0) {
    findings.push({ is: 'wrong', about, what: `its role "${user}" may connect to ${foreign.join(', ')}` });
  }
  return findings;
}

async function ofKeys(store: unknown): Promise<Finding[]> {
  if (!(store instanceof EncryptedSecretStore)) {
    return [];
  }
  const { [store.currentKey]: _current, ...others } = await store.countByKey();
  const old = Object.entries(others).map(([key, count]) => `${count} by "${key}"`);
  return old.length === 0
    ? [{ is: 'fine', about: 'secrets', what: `all by the key "${store.currentKey}"` }]
    : [
        {
          is: 'doubtful',
          about: 'secrets',
          what: `encrypted by other keys: ${old.join(', ')}. Run: tenants secrets reencrypt`,
        },
      ];
}
