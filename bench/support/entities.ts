import { EntitySchema } from '@mikro-orm/core';

/** One row of any of the tables that {@link entities} makes. */
export class Row {
  id!: number;
  name!: string;
  code!: string;
  kind!: 'plain' | 'fancy';
  note?: string | null;
  amount?: string | null;
  active!: boolean;
  createdAt!: Date;
  updatedAt!: Date;
  parent?: Row | null;
}

/**
 * A schema of `count` tables with ten columns each, one of them a foreign key that both sides know. Classes are new
 * with each call: plain MikroORM writes its ORM into the prototypes of the classes it discovers, so that each side of a
 * comparison needs a set of its own.
 */
export function entities(count: number): EntitySchema<Row>[] {
  const classes = Array.from({ length: count }, (_, index) => ({ [`Table${index}`]: class extends Row {} }));
  const classAt = (index: number) => {
    const at = (index + count) % count;
    return classes[at]?.[`Table${at}`] as typeof Row;
  };
  return classes.map(
    (_, index) =>
      new EntitySchema<Row & { children: unknown }>({
        class: classAt(index) as never,
        tableName: `table_${index}`,
        properties: {
          id: { type: 'integer', primary: true },
          name: { type: 'string' },
          code: { type: 'string', unique: true },
          kind: { enum: true, items: ['plain', 'fancy'], type: 'string' },
          note: { type: 'text', nullable: true },
          amount: { type: 'decimal', nullable: true },
          active: { type: 'boolean', default: true },
          createdAt: { type: 'datetime', onCreate: () => new Date() },
          updatedAt: { type: 'datetime', onCreate: () => new Date(), onUpdate: () => new Date() },
          parent: { kind: 'm:1', entity: () => classAt(index + 1), nullable: true },
          children: { kind: '1:m', entity: () => classAt(index - 1), mappedBy: 'parent' as never },
        },
      }) as unknown as EntitySchema<Row>,
  );
}
