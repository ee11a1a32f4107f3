import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { defineEntity, p } from '@mikro-orm/postgresql';
import type { Tenant } from 'mikro-orm-multitenancy';
import { OwnPostgres } from '../faults/OwnPostgres.ts';

/** A view with one row, which says which database it is read from. */
export const Place = defineEntity({ name: 'Place', properties: { id: p.integer().primary(), database: p.string() } });

const TEMPLATE = 'place';
const FIRST_OID = 900_000;

/**
 * Hundreds of tenants with a database each, to read from, on a server of their own. Copying 300 files for each would
 * take a minute on a slow disk; so the databases are entries of their own in the server's list of databases, over the
 * files of one. A session is opened, named and counted as in any other database.
 */
export class ManyTenants implements AsyncDisposable {
  readonly server: OwnPostgres;
  readonly tenants: readonly Tenant[];

  private constructor(server: OwnPostgres, tenants: readonly Tenant[]) {
    this.server = server;
    this.tenants = tenants;
  }

  static async create(count: number, { maxConnections = 100 } = {}): Promise<ManyTenants> {
    const server = await OwnPostgres.start({ autovacuum: 'off', max_connections: maxConnections });
    await server.query(`create database ${TEMPLATE}`);
    await server.query('create view place as select 1 as id, current_database() as database', [], TEMPLATE);
    await server.query('checkpoint');
    const [template] = await server.query<{ oid: number }>('select oid from pg_database where datname = $1', [
      TEMPLATE,
    ]);
    const files = join(server.dataFolder, 'base');
    const tenants = Array.from({ length: count }, (_, n) => ({ id: `tenant-${n}`, database: `${TEMPLATE}_${n}` }));
    await Promise.all(tenants.map((_, n) => symlink(String(template?.oid), join(files, String(FIRST_OID + n)))));
    await server.query(`set allow_system_table_mods = on;
      insert into pg_database
      select (jsonb_populate_record(template, jsonb_build_object('oid', ${FIRST_OID} + n, 'datname', '${TEMPLATE}_' || n))).*
      from pg_database template, generate_series(0, ${count - 1}) n
      where template.datname = '${TEMPLATE}'`);
    return new ManyTenants(server, tenants);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.server[Symbol.asyncDispose]();
  }
}
