import pg from 'pg';
import { checkServer, type ServerOptions } from '../connections/ServerOptions.ts';
import { messageOf } from '../errors.ts';
import type { TenantOrmManager } from '../TenantOrmManager.ts';
import { DEFAULT_SERVER, serverOf, type Tenant } from '../tenant/Tenant.ts';
import { ofRoles, type RoleFacts, rolesOf, rolesOn } from './diagnoseRoles.ts';
import type { AnyManagerOptions } from './TenancyConfig.ts';

export interface Finding {
  readonly is: 'fine' | 'doubtful' | 'wrong';
  /** `server default`, `tenant acme`, `central`, `node`. */
  readonly about: string;
  readonly what: string;
}

interface ServerFacts {
  readonly version: string;
  readonly number: number;
  readonly max: number;
  readonly kept: number;
  readonly role: string;
  readonly superuser: boolean;
  readonly createdb: boolean;
  readonly open: string[];
  readonly databases: string[];
  readonly roles: readonly RoleFacts[];
}

const FACTS = `
  select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
    current_setting('max_connections')::int as max,
    current_setting('superuser_reserved_connections')::int as kept,
    current_user as role, rolsuper as superuser, rolcreatedb as createdb,
    coalesce((select json_agg(datname order by datname) from pg_database where not datistemplate), '[]') as databases,
    coalesce((
      select json_agg(datname order by datname) from pg_database
      where not datistemplate and (datacl is null or exists (
        select 1 from aclexplode(datacl) where grantee = 0 and privilege_type = 'CONNECT'
      ))
    ), '[]') as open
  from pg_roles where rolname = current_user`;

/** Looks at everything once and changes nothing. What cannot be asked is a finding. */
export async function diagnose(
  manager: TenantOrmManager<Tenant>,
  options: AnyManagerOptions | undefined,
  reservedIds: Iterable<string>,
): Promise<Finding[]> {
  const findings: Finding[] = [ofNode()];
  const servers = new Map<string, ServerFacts>();
  for (const [name, server] of serversOf(options)) {
    const about = `server ${name}`;
    try {
      const facts = await factsOf(name, server, options);
      servers.set(name, facts);
      findings.push(...ofServer(about, facts, checkServer(name, server)));
    } catch (error) {
      findings.push({ is: 'wrong', about, what: `cannot be asked: ${messageOf(error)}` });
    }
  }
  findings.push(...(await ofCentral(manager, options)), ...ofCentralDoor(options, servers));
  const tenants: Tenant[] = [];
  findings.push(...(await ofTenants(manager, servers, new Set(reservedIds), tenants)));
  const roles = rolesOf(options);
  if (roles !== undefined) {
    const byServer = new Map([...servers].map(([name, facts]) => [name, facts.roles]));
    findings.push(...(await ofRoles(manager, roles, tenants, byServer)));
  }
  return findings;
}

const MIN_NODE = [22, 17] as const;
const MIN_POSTGRES = 150_000;

function ofNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isRecent = major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1]);
  return {
    is: isRecent ? 'fine' : 'wrong',
    about: 'node',
    what: `Node.js ${process.versions.node}; ${MIN_NODE.join('.')} or newer is needed`,
  };
}

function serversOf(options: AnyManagerOptions | undefined): [string, string | ServerOptions][] {
  const { server, servers } = options ?? {};
  return Object.entries({ ...(server === undefined ? {} : { [DEFAULT_SERVER]: server }), ...servers });
}

async function factsOf(
  name: string,
  options: string | ServerOptions,
  all: AnyManagerOptions | undefined,
): Promise<ServerFacts> {
  const { directUrl, user, password, ssl, connectTimeoutMs } = checkServer(name, options);
  const client = new pg.Client({
    connectionString: directUrl,
    connectionTimeoutMillis: connectTimeoutMs,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password: password as string }),
    ...(ssl === undefined ? {} : { ssl }),
    database:
      new URL(directUrl).pathname.length > 1 ? decodeURIComponent(new URL(directUrl).pathname.slice(1)) : 'postgres',
  });
  await client.connect();
  try {
    const { rows } = await client.query<Omit<ServerFacts, 'roles'>>(FACTS);
    return { ...(rows[0] as Omit<ServerFacts, 'roles'>), roles: await rolesOn(client, all) };
  } finally {
    await client.end();
  }
}

function ofServer(about: string, facts: ServerFacts, server: { readonly maxConnections: number }): Finding[] {
  const { version, number, max, kept, role, superuser, createdb } = facts;
  const room = max - kept;
  return [
    number >= MIN_POSTGRES
      ? { is: 'fine', about, what: `PostgreSQL ${version}` }
      : { is: 'wrong', about, what: `PostgreSQL ${version}; 15 or newer is needed` },
    server.maxConnections <= room
      ? { is: 'fine', about, what: `one process takes up to ${server.maxConnections} of ${room} connections` }
      : {
          is: 'wrong',
          about,
          what: `\`maxConnections\` is ${server.maxConnections}, and the server takes ${room} in all`,
        },
    superuser
      ? { is: 'doubtful', about, what: `requests run as the superuser "${role}", who may enter every database` }
      : { is: 'fine', about, what: `requests run as "${role}", who is no superuser` },
    createdb && !superuser
      ? { is: 'doubtful', about, what: `"${role}" may create databases; requests do not need that` }
      : { is: 'fine', about, what: `"${role}" and the right to create databases: ${createdb ? 'as superuser' : 'no'}` },
  ];
}

async function ofCentral(
  manager: TenantOrmManager<Tenant>,
  options: AnyManagerOptions | undefined,
): Promise<Finding[]> {
  if (options !== undefined && options.central === undefined) {
    return [
      { is: 'fine', about: 'central', what: 'there is no central database; runs of migrations are not written down' },
    ];
  }
  try {
    const pending = await manager.central.pending();
    return pending.length === 0
      ? [{ is: 'fine', about: 'central', what: 'no migration is pending' }]
      : [{ is: 'wrong', about: 'central', what: `pending: ${pending.join(', ')}. Run: tenants central migrate` }];
  } catch (error) {
    return [{ is: 'wrong', about: 'central', what: `cannot be asked: ${messageOf(error)}` }];
  }
}

/** Whoever may connect there may look for what else is open. */
function ofCentralDoor(options: AnyManagerOptions | undefined, servers: ReadonlyMap<string, ServerFacts>): Finding[] {
  const database = (options?.central as { readonly database?: string } | undefined)?.database;
  const open = [...servers.values()].some((facts) => database !== undefined && facts.open.includes(database));
  return open
    ? [
        {
          is: options?.roles === undefined ? 'doubtful' : 'wrong',
          about: 'central',
          what: `every role may connect to "${database}": REVOKE CONNECT ON DATABASE … FROM PUBLIC`,
        },
      ]
    : [];
}

async function ofTenants(
  manager: TenantOrmManager<Tenant>,
  servers: ReadonlyMap<string, ServerFacts>,
  reservedIds: ReadonlySet<string>,
  seen: Tenant[],
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const open: string[] = [];
  let count = 0;
  try {
    let after: string | undefined;
    do {
      const page = await manager.catalog.list({ limit: 1_000, ...(after === undefined ? {} : { after }) });
      for (const tenant of page.tenants) {
        count += 1;
        seen.push(tenant);
        const facts = servers.get(serverOf(tenant));
        const about = `tenant ${tenant.id}`;
        if (facts === undefined) {
          findings.push({
            is: 'wrong',
            about,
            what: `its server "${serverOf(tenant)}" could not be asked, or is not configured`,
          });
        } else if (!facts.databases.includes(tenant.database)) {
          findings.push({ is: 'wrong', about, what: `its database "${tenant.database}" is missing` });
        } else if (facts.open.includes(tenant.database)) {
          open.push(tenant.database);
        }
        if (reservedIds.has(tenant.id)) {
          findings.push({ is: 'doubtful', about, what: 'its id is a reserved name' });
        }
      }
      after = page.next;
    } while (after !== undefined);
  } catch (error) {
    return [{ is: 'wrong', about: 'tenants', what: `cannot be listed: ${messageOf(error)}` }];
  }
  if (open.length > 0) {
    const some = open.slice(0, 3).join(', ');
    findings.push({
      is: 'doubtful',
      about: 'tenants',
      what: `every role may connect to ${open.length} of their databases (${some}${open.length > 3 ? ', …' : ''}): REVOKE CONNECT ON DATABASE … FROM PUBLIC`,
    });
  }
  return [...findings, { is: 'fine', about: 'tenants', what: `${count} in the catalogue` }];
}
