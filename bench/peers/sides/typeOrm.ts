import { AsyncLocalStorage } from 'node:async_hooks';
import { DataSource, EntitySchema } from 'typeorm';
import { type Row, TABLES, tableName } from '../tables.ts';
import { Databases } from './Databases.ts';
import type { Side, SideOptions } from './Side.ts';

const tables = Array.from(
  { length: TABLES },
  (_, index) =>
    new EntitySchema<Row>({
      name: `Table${index}`,
      tableName: tableName(index),
      columns: {
        id: { type: 'int', primary: true },
        name: { type: 'text' },
        code: { type: 'text', unique: true },
        kind: { type: 'text' },
        note: { type: 'text', nullable: true },
        rooms: { type: 'int' },
        active: { type: 'boolean' },
        listed: { type: 'timestamptz' },
        changed: { type: 'timestamptz' },
      },
    }),
);

const context = new AsyncLocalStorage<DataSource>();

/** A DataSource for each tenant. TypeORM has no context of its own: Node's holds the current one. */
export function open(options: SideOptions): Side {
  const extra = { idleTimeoutMillis: options.idleTimeoutMs };
  const databases = new Databases<DataSource>(options, {
    open: (url) =>
      new DataSource({
        type: 'postgres',
        url,
        entities: tables,
        poolSize: options.maxConnectionsPerTenant,
        extra,
      }).initialize(),
    close: (dataSource) => dataSource.destroy(),
  });
  return {
    middleware: (ctx, next) => databases.use(ctx.host, (dataSource) => context.run(dataSource, next)),
    list: async (table) =>
      context
        .getStore()
        ?.getRepository(tables[table] as EntitySchema<Row>)
        .find({ order: { id: 'ASC' } }),
    close: () => databases.close(),
  };
}
