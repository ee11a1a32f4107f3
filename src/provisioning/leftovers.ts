import type { EntityManager } from '@mikro-orm/postgresql';
import type { Tenant } from '../tenant/Tenant.ts';
import { adminOf, type LifeParts } from './LifeParts.ts';

/** A database that its tenant was moved from. */
export interface Leftover {
  readonly server: string;
  readonly database: string;
  readonly role: string | null;
  readonly tenantId: string;
}

interface LeftoverRow {
  readonly server: string;
  readonly database_name: string;
  readonly role_name: string | null;
  readonly tenant_id: string;
}

const TAKE = `
  delete from tenancy_leftovers where (server, database_name) = (
    select server, database_name from tenancy_leftovers
    where case when ?::text is null then drop_after <= clock_timestamp() else tenant_id = ? end
      and server in (select jsonb_array_elements_text(?::jsonb))
    limit 1 for update skip locked
  ) returning server, database_name, role_name, tenant_id`;

/** Writes down, in the caller's transaction, what is to be dropped later. */
export async function keepLeftover<T extends Tenant>(
  { central }: Pick<LifeParts<T>, 'central'>,
  em: EntityManager,
  { server, database, role, tenantId, forMs }: Leftover & { readonly forMs: number },
): Promise<void> {
  await central?.sql(
    `insert into tenancy_leftovers (server, database_name, role_name, tenant_id, drop_after)
     values (?, ?, ?, ?, clock_timestamp() + ? * interval '1 millisecond')`,
    [server, database, role, tenantId, forMs],
    em,
  );
}

/** Drops those of one tenant, or all whose time is over. A row goes with its database or not at all. */
export async function dropLeftovers<T extends Tenant>(
  parts: LifeParts<T>,
  { tenantId }: { readonly tenantId?: string } = {},
): Promise<Leftover[]> {
  const { central } = parts;
  const dropped: Leftover[] = [];
  let more = central !== undefined;
  while (more) {
    more = await (central as NonNullable<typeof central>).change([], async (em) => {
      const servers = JSON.stringify([...parts.admins.keys()]);
      const rows = await central?.sql<LeftoverRow>(TAKE, [tenantId ?? null, tenantId ?? null, servers], em);
      const [row] = rows ?? [];
      if (row === undefined) {
        return false;
      }
      const leftover = {
        server: row.server,
        database: row.database_name,
        role: row.role_name,
        tenantId: row.tenant_id,
      };
      await dropOne(parts, leftover);
      dropped.push(leftover);
      return true;
    });
  }
  return dropped;
}

async function dropOne<T extends Tenant>(parts: LifeParts<T>, { server, database, role }: Leftover): Promise<void> {
  const admin = adminOf(parts, server);
  await admin.drop(database);
  if (role !== null && parts.roles !== undefined) {
    await parts.roles.drop(role, admin);
  }
}
