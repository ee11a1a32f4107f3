import { defineEntity, type EntitySchema, p } from '@mikro-orm/postgresql';
import { type Row, TABLES, tableName } from '../tables.ts';

/** New with each call, as plain MikroORM writes its ORM into what it discovers. */
export function mikroOrmTables() {
  const tables = Array.from({ length: TABLES }, (_, index) =>
    defineEntity({
      name: `Table${index}`,
      tableName: tableName(index),
      properties: {
        id: p.integer().primary(),
        name: p.text(),
        code: p.text().unique(),
        kind: p.text(),
        note: p.text().nullable(),
        rooms: p.integer(),
        active: p.boolean(),
        listed: p.datetime(),
        changed: p.datetime(),
      },
    }),
  );
  return { tables, tableAt: (index: number) => tables[index] as unknown as EntitySchema<Row> };
}
