import { BaseMySqlPlatform, type SqlEntityManager, SqlitePlatform } from '@mikro-orm/postgresql';
import { quoteByBackticks, quoteIdentifier } from '../tenant/databaseName.ts';

/** The tables of the tenant's database that have the text anywhere in a row. */
export function tablesWith(em: SqlEntityManager, text: string): Promise<string[]> {
  const platform = em.getPlatform();
  if (platform instanceof SqlitePlatform) {
    return tablesRead(em, text, "select name from sqlite_master where type = 'table'", quoteIdentifier);
  }
  if (platform instanceof BaseMySqlPlatform) {
    return tablesRead(
      em,
      text,
      "select table_name as name from information_schema.tables where table_schema = database() and table_type = 'BASE TABLE'",
      quoteByBackticks,
    );
  }
  return tablesOfPostgres(em, text);
}

async function tablesOfPostgres(em: SqlEntityManager, text: string): Promise<string[]> {
  const connection = em.getConnection();
  const tables: { schema: string; name: string }[] = await connection.execute(
    "select schemaname as schema, tablename as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
  );
  const found: string[] = [];
  for (const { schema, name } of tables) {
    const table = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
    const rows: unknown[] = await connection.execute(
      `select 1 from ${table} as whole where position(? in whole::text) > 0 limit 1`,
      [text],
    );
    if (rows.length > 0) {
      found.push(table);
    }
  }
  return found;
}

/** Without a row as a text the rows are read; these are the small databases of a test. */
async function tablesRead(
  em: SqlEntityManager,
  text: string,
  named: string,
  quote: (name: string) => string,
): Promise<string[]> {
  const connection = em.getConnection();
  const tables: { name: string }[] = await connection.execute(named);
  const found: string[] = [];
  for (const { name } of tables) {
    const table = quote(name);
    const rows: object[] = await connection.execute(`select * from ${table}`);
    if (rows.some((row) => Object.values(row).some((value) => textOf(value).includes(text)))) {
      found.push(table);
    }
  }
  return found;
}

function textOf(value: unknown): string {
  return typeof value === 'string'
    ? value
    : JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
}
