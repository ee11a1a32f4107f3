import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { LentConnection } from '../../connections/TenantPool.ts';
import { quoteIdentifier } from '../../tenant/databaseName.ts';
import type { DatabaseAdmin } from '../DatabaseAdmin.ts';
import type { CheckedRoles } from './RolesOptions.ts';
import { scramVerifier } from './scramVerifier.ts';
import type { TenantCredentials } from './TenantCredentials.ts';

export interface TenantRolesParts {
  readonly options: CheckedRoles;
  readonly credentials: TenantCredentials;
  /** MikroORM's table of migrations, quoted. */
  readonly migrationsTable: string;
}

/** SQLSTATEs duplicate_object and unique_violation: another process was faster. */
const EXISTS: ReadonlySet<unknown> = new Set(['42710', '23505']);

/** What a role's name may have of its tenant's id. */
const ID_CHARACTERS = 24;

/**
 * The roles of tenants. All are members of one group, which may read and write in the database of every tenant; but each
 * may connect to its own only. So a new role costs no session in a database.
 */
export class TenantRoles {
  readonly #parts: TenantRolesParts;

  constructor(parts: TenantRolesParts) {
    this.#parts = parts;
  }

  get group(): string {
    return this.#parts.options.group;
  }

  /** A name that no tenant has had: one that was renamed keeps its role, and another one may take its old id. */
  nameFor(tenantId: string): string {
    const id = tenantId.replaceAll('-', '_').slice(0, ID_CHARACTERS);
    return `${this.#parts.options.prefix}${id}_${randomBytes(4).toString('hex')}`;
  }

  async roleOf(tenantId: string): Promise<string | undefined> {
    return (await this.#parts.credentials.read(tenantId))?.user;
  }

  /** The secret first, then the role, and that it may connect. May be cut off anywhere and called again. */
  async create(
    tenantId: string,
    { admin, role, database }: { readonly admin: DatabaseAdmin; readonly role: string; readonly database: string },
  ): Promise<void> {
    const { credentials } = this.#parts;
    const { passwords } = await credentials.create(tenantId, role);
    const verifier = await scramVerifier(passwords[0] ?? '');
    await admin.locked(role, async (session) => {
      await this.#ensureGroup(session);
      await this.#ensureRole(session, role, verifier);
      const [name, on] = [quoteIdentifier(role), quoteIdentifier(database)];
      await session.query(`grant connect, temporary on database ${on} to ${name}`, []);
    });
  }

  /** The role, and what it may do on this server. Its secret stays. */
  async drop(role: string, admin: DatabaseAdmin): Promise<void> {
    await admin.locked(role, async (session) => {
      const { rows } = await session.query(
        `select distinct datname from pg_database cross join aclexplode(datacl) acl
         where acl.grantee = (select oid from pg_roles where rolname = $1)`,
        [role],
      );
      const name = quoteIdentifier(role);
      for (const { datname } of rows as readonly { readonly datname: string }[]) {
        await session.query(`revoke all on database ${quoteIdentifier(datname)} from ${name}`, []);
      }
      await session.query(`drop role if exists ${name}`, []);
    });
  }

  copySecret(tenantId: string, newId: string): Promise<void> {
    return this.#parts.credentials.copy(tenantId, newId);
  }

  dropSecret(tenantId: string): Promise<void> {
    return this.#parts.credentials.delete(tenantId);
  }

  /**
   * Another password. The secret has the new one beside the old one before the server does, so that every connection finds
   * one of them that is taken, also where this is cut off.
   */
  async rotate(tenantId: string, admin: DatabaseAdmin): Promise<void> {
    const { credentials } = this.#parts;
    await admin.locked(`password of ${tenantId}`, async (session) => {
      const there = await credentials.read(tenantId);
      if (there === undefined) {
        return;
      }
      const begun = await credentials.begin(tenantId, there);
      const verifier = await scramVerifier(begun.passwords[0] ?? '');
      await session.query(`alter role ${quoteIdentifier(there.user)} password ${pg.escapeLiteral(verifier)}`, []);
      await credentials.settle(tenantId, begun);
    });
  }

  /** What the group may do in a database, on a session there as its owner; also with tables that come later. */
  async prepare(session: LentConnection): Promise<void> {
    await this.#ensureGroup(session);
    const group = quoteIdentifier(this.group);
    const { rows } = await session.query(
      "select nspname from pg_namespace where left(nspname, 3) <> 'pg_' and nspname <> 'information_schema'",
      [],
    );
    const statements = (rows as readonly { readonly nspname: string }[]).flatMap(({ nspname }) => {
      const schema = quoteIdentifier(nspname);
      return [
        `grant usage on schema ${schema} to ${group}`,
        `grant select, insert, update, delete on all tables in schema ${schema} to ${group}`,
        `grant usage, select, update on all sequences in schema ${schema} to ${group}`,
      ];
    });
    statements.push(
      `alter default privileges grant usage on schemas to ${group}`,
      `alter default privileges grant select, insert, update, delete on tables to ${group}`,
      `alter default privileges grant usage, select, update on sequences to ${group}`,
    );
    for (const statement of statements) {
      await session.query(statement, []);
    }
    const { migrationsTable } = this.#parts;
    const { rows: found } = await session.query('select to_regclass($1) is not null as there', [migrationsTable]);
    if ((found[0] as { readonly there: boolean }).there) {
      // Which migrations there are is for the gate to read, and for no request to change.
      await session.query(`revoke insert, update, delete on ${migrationsTable} from ${group}`, []);
    }
  }

  async #ensureGroup(session: LentConnection): Promise<void> {
    await createUnlessThere(session, this.group, 'nologin');
  }

  async #ensureRole(session: LentConnection, role: string, verifier: string): Promise<void> {
    const { connectionLimit, settings } = this.#parts.options;
    const name = quoteIdentifier(role);
    const password = `connection limit ${connectionLimit} password ${pg.escapeLiteral(verifier)}`;
    const rights = 'login nosuperuser nocreatedb nocreaterole noreplication nobypassrls';
    if (!(await createUnlessThere(session, role, `${rights} ${password}`))) {
      await session.query(`alter role ${name} ${password}`, []);
    }
    await session.query(`grant ${quoteIdentifier(this.group)} to ${name}`, []);
    for (const [setting, value] of Object.entries(settings)) {
      const [namespace, parameter] = setting.split('.');
      const quoted = [namespace, parameter].flatMap((part) => (part === undefined ? [] : [quoteIdentifier(part)]));
      await session.query(`alter role ${name} set ${quoted.join('.')} = ${pg.escapeLiteral(String(value))}`, []);
    }
  }
}

/** Gives whether it was created. */
async function createUnlessThere(session: LentConnection, role: string, options: string): Promise<boolean> {
  const { rows } = await session.query('select 1 from pg_roles where rolname = $1', [role]);
  if (rows.length > 0) {
    return false;
  }
  try {
    await session.query(`create role ${quoteIdentifier(role)} ${options}`, []);
    return true;
  } catch (error) {
    if (EXISTS.has((error as { readonly code?: unknown }).code)) {
      return false;
    }
    throw error;
  }
}
