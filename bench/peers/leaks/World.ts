import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { AppOptions } from './Layer.ts';

export const TENANTS = ['acme', 'globex', 'initech'] as const;

/** What a tenant's database has: people, houses and their deeds with equal keys for every tenant. */
export const schema = [
  'create table person (id serial primary key, name text not null)',
  `create table house (id serial primary key, address text not null, grade text not null default 'A',
     owner_id int references person)`,
  'create table deed (id serial primary key, number text not null, house_id int not null unique references house)',
];

const seed = (tenant: string): string[] => [
  'truncate person, house, deed restart identity',
  `insert into person (name) select '${tenant} ' || n from generate_series(1, 3) n`,
  `insert into house (address, owner_id) select '${tenant} house ' || n, n from generate_series(1, 2) n`,
  `insert into deed (number, house_id) select '${tenant} deed ' || n, n from generate_series(1, 2) n`,
];

/** Three tenants' databases, seen from outside of every ORM. */
export class World {
  readonly options: AppOptions;

  constructor(options: AppOptions) {
    this.options = options;
  }

  async reset(): Promise<void> {
    for (const tenant of TENANTS) {
      await this.query(tenant, seed(tenant).join(';'));
    }
  }

  async query<R extends pg.QueryResultRow>(tenant: string, sql: string): Promise<R[]> {
    return this.queryDatabase<R>(this.options.databases[tenant] ?? tenant, sql);
  }

  async queryDatabase<R extends pg.QueryResultRow>(database: string, sql: string): Promise<R[]> {
    const client = new pg.Client({ connectionString: `${this.options.url}/${database}` });
    await client.connect();
    try {
      return (await client.query<R>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  async names(tenant: string): Promise<string[]> {
    const rows = await this.query<{ name: string }>(tenant, 'select name from person order by id');
    return rows.map(({ name }) => name);
  }

  /** Which tenants have a person of this name. */
  async holdersOf(name: string): Promise<string> {
    const holders: string[] = [];
    for (const tenant of TENANTS) {
      if ((await this.names(tenant)).includes(name)) {
        holders.push(tenant);
      }
    }
    return holders.join(' and ') || 'nobody';
  }

  /** Says where a person of this name is, if it is not with this tenant. */
  async misplaced(name: string, owner: string): Promise<string | undefined> {
    const holders = await this.holdersOf(name);
    return holders === owner ? undefined : `what ${owner} wrote is with ${holders}`;
  }

  /** Which transaction wrote each row that an ORM might write without being told to. */
  async writers(tenant: string): Promise<string> {
    const sql = `select 'house' as is, xmin, id from house union all select 'deed', xmin, id from deed order by 1, 3`;
    return JSON.stringify(await this.query(tenant, sql));
  }

  /** Whether sessions to a database are left two seconds after their owner said that they are closed. */
  async hasSessions(tenant: string): Promise<boolean> {
    const sql = `select 1 from pg_stat_activity where datname = '${this.options.databases[tenant]}'`;
    for (const until = Date.now() + 2_000; Date.now() < until; await pause(20)) {
      if ((await this.queryDatabase('postgres', sql)).length === 0) {
        return false;
      }
    }
    return true;
  }
}
