import { type SqlEntityManager, SqlitePlatform } from '@mikro-orm/postgresql';
import { quoteIdentifier } from '../tenant/databaseName.ts';

/** The tables of the tenant's database that have the text anywhere in a row. */
export function tablesWith(em: SqlEntityManager, text: string): Promise<string[]> {
  return em.getPlatform() instanceof SqlitePlatform ? tablesOfSqlite(em, text) : tablesOfPostgres(em, text);
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

/** SQLite has no row as a text; these are the small databases of a test. */
async function tablesOfSqlite(em: SqlEntityManager, text: string): Promise<string[]> {
  const connection = em.getConnection();
  const tables: { name: string }[] = await connection.execute("select name from sqlite_master where type = 'table'");
  const found: string[] = [];
  for (const { name } of tables) {
    const table = quoteIdentifier(name);
    const rows: object[] = await connection.execute(`select * from ${table}`);
    if (rows.some((row) => Object.values(row).some((value) => String(value).includes(text)))) {
      found.push(table);
    }
  }
  return found;
}
