import type { QuerySession } from '../executedMigrations.ts';
import type { SchemaObject } from './schemaDifferences.ts';
import { SCHEMA_FINGERPRINT, SCHEMA_OBJECTS } from './schemaSql.ts';

/** A schema, whole. */
export interface Schema {
  readonly fingerprint: string;
  readonly objects: readonly SchemaObject[];
}

/** What stands for the schema of the session's database: the same where every object is the same. */
export async function fingerprintOf(session: QuerySession, migrationsTable: string): Promise<string> {
  const { rows } = await session.query(SCHEMA_FINGERPRINT, [migrationsTable]);
  return (rows[0] as { readonly fingerprint: string }).fingerprint;
}

export async function objectsOf(session: QuerySession, migrationsTable: string): Promise<SchemaObject[]> {
  const { rows } = await session.query(SCHEMA_OBJECTS, [migrationsTable]);
  return rows as SchemaObject[];
}

export async function schemaOf(session: QuerySession, migrationsTable: string): Promise<Schema> {
  const fingerprint = await fingerprintOf(session, migrationsTable);
  return { fingerprint, objects: await objectsOf(session, migrationsTable) };
}
