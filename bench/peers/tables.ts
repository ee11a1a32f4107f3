/** How many tables an application has; they differ in their names only. */
export const TABLES = 10;
/** How many rows each holds, all of which an answer has. */
export const ROWS = 5;

export const tableName = (index: number): string => `table_${index}`;

/**
 * The tables of every side and their rows. Names need no mapping in any ORM, and types are those that each of them gives
 * as the same JSON.
 */
export const statements: readonly string[] = Array.from({ length: TABLES }, (_, index) => [
  `create table ${tableName(index)} (id int primary key, name text not null, code text not null unique,
     kind text not null, note text, rooms int not null, active boolean not null, listed timestamptz not null,
     changed timestamptz not null)`,
  `insert into ${tableName(index)} select n, 'Row ' || n, 'code-' || n, 'plain', 'A note on this row.', n, true,
     '2024-02-29T12:00:00Z', '2024-02-29T13:00:00Z' from generate_series(1, ${ROWS}) n`,
]).flat();

/** A row of any of the tables. */
export interface Row {
  id: number;
  name: string;
  code: string;
  kind: string;
  note: string | null;
  rooms: number;
  active: boolean;
  listed: Date;
  changed: Date;
}
