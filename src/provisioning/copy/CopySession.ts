import type { LentConnection } from '../../connections/TenantPool.ts';
import {
  COPY_SETTINGS,
  FOREIGN_KEYS,
  HAS_LARGE_OBJECTS,
  HAS_RELATIONS,
  MATERIALIZED_VIEWS,
  SEQUENCES,
  TABLES,
  TRIGGERS,
} from './catalogSql.ts';

/** A table with rows, its names quoted. */
export interface CopyTable {
  readonly name: string;
  /** Those that have values of their own; `''` where there is none. */
  readonly columns: string;
}

export interface SequenceState {
  readonly name: string;
  /** Not a number: it may be larger than one can be. */
  readonly lastValue: string;
  readonly isCalled: boolean;
}

interface ForeignKey {
  readonly table: string;
  readonly name: string;
  readonly definition: string;
}

interface Trigger {
  readonly table: string;
  readonly name: string;
  readonly enabled: string;
}

/** How a trigger is what it was, by `tgenabled`. */
const ENABLES: Readonly<Record<string, string>> = { O: 'enable', A: 'enable always', R: 'enable replica' };

/** One database, as a copy reads and writes it. */
export class CopySession {
  readonly connection: LentConnection;

  constructor(connection: LentConnection) {
    this.connection = connection;
  }

  /** Everything that is read belongs to one moment. */
  async beginReading(): Promise<void> {
    await this.run(COPY_SETTINGS);
    await this.run('begin isolation level repeatable read, read only');
  }

  async beginWriting(): Promise<void> {
    await this.run(COPY_SETTINGS);
    await this.run('begin');
  }

  tables(): Promise<CopyTable[]> {
    return this.rows(TABLES);
  }

  async sequences(): Promise<SequenceState[]> {
    const names = await this.rows<{ readonly name: string }>(SEQUENCES);
    const states: SequenceState[] = [];
    for (const { name } of names) {
      const [state] = await this.rows<Omit<SequenceState, 'name'>>(
        `select last_value::text as "lastValue", is_called as "isCalled" from ${name}`,
      );
      states.push({ name, ...(state as Omit<SequenceState, 'name'>) });
    }
    return states;
  }

  hasLargeObjects(): Promise<boolean> {
    return this.#has(HAS_LARGE_OBJECTS);
  }

  hasRelations(): Promise<boolean> {
    return this.#has(HAS_RELATIONS);
  }

  /**
   * Runs `fill` while rows may come in any order and no trigger of the application changes them; then all is as it was,
   * and every foreign key has been checked. Tables are empty at its beginning.
   */
  async whileUnchecked<R>(tables: readonly CopyTable[], fill: () => Promise<R>): Promise<R> {
    const keys = await this.rows<ForeignKey>(FOREIGN_KEYS);
    const triggers = await this.rows<Trigger>(TRIGGERS);
    for (const { table, name } of keys) {
      await this.run(`alter table ${table} drop constraint ${name}`);
    }
    for (const table of new Set(triggers.map((trigger) => trigger.table))) {
      await this.run(`alter table ${table} disable trigger user`);
    }
    if (tables.length > 0) {
      await this.run(`truncate ${tables.map(({ name }) => name).join(', ')}`);
    }
    const filled = await fill();
    for (const { table, name, enabled } of triggers) {
      const enables = ENABLES[enabled];
      await (enables === undefined ? undefined : this.run(`alter table ${table} ${enables} trigger ${name}`));
    }
    for (const { table, name, definition } of keys) {
      await this.run(`alter table ${table} add constraint ${name} ${definition}`);
    }
    return filled;
  }

  async setSequences(states: readonly SequenceState[]): Promise<void> {
    for (const { name, lastValue, isCalled } of states) {
      await this.connection.query('select setval($1::regclass, $2::bigint, $3)', [name, lastValue, isCalled]);
    }
  }

  async refreshViews(): Promise<void> {
    for (const { name } of await this.rows<{ readonly name: string }>(MATERIALIZED_VIEWS)) {
      await this.run(`refresh materialized view ${name}`);
    }
  }

  async run(text: string): Promise<void> {
    await this.connection.query(text, []);
  }

  async rows<R>(text: string): Promise<R[]> {
    const { rows } = await this.connection.query(text, []);
    return rows as R[];
  }

  async #has(text: string): Promise<boolean> {
    const [row] = await this.rows<{ readonly has: boolean }>(text);
    return row?.has === true;
  }
}
