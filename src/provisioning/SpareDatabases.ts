import type { EntityManager } from '@mikro-orm/postgresql';
import type { CentralDatabase } from '../central/CentralDatabase.ts';
import type { Clock } from '../connections/Clock.ts';
import type { TenancyEmitter } from '../events.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import type { DatabaseAdmin } from './DatabaseAdmin.ts';
import type { DatabaseNames } from './databaseNames.ts';
import type { CheckedSpares } from './ProvisioningOptions.ts';
import type { TemplateDatabase } from './TemplateDatabase.ts';

export interface SpareParts {
  readonly options: CheckedSpares;
  readonly central: CentralDatabase<Tenant>;
  readonly admins: ReadonlyMap<string, DatabaseAdmin>;
  readonly templates: ReadonlyMap<string, TemplateDatabase>;
  readonly names: DatabaseNames;
  readonly events: TenancyEmitter;
  readonly clock: Clock;
}

/** How long a spare may take to be made before others take it for left behind. */
const MAKING_MS = 10 * 60_000;
/** Spares of other migrations are left to processes that may still have them, for so long. */
const KEEP_OTHERS_MS = 10 * 60_000;

/** One row for each that is being made, so that processes together never make more than `max`. */
const RESERVE = `
  insert into tenancy_spares (server, database_name, template, lease_until)
  select ?, ?, ?, clock_timestamp() + ? * interval '1 millisecond'
  where (select count(*) from tenancy_spares where server = ? and template = ?) < ? returning 1`;

/** Those who come at the same time pass over each other's. */
const CLAIM = `
  delete from tenancy_spares where (server, database_name) = (
    select server, database_name from tenancy_spares
    where server = ? and template = ? and is_ready order by created_at limit 1 for update skip locked
  ) returning database_name`;

const LEFT_BEHIND = `
  delete from tenancy_spares where (server, database_name) in (
    select server, database_name from tenancy_spares
    where server = ? and ((not is_ready and lease_until < clock_timestamp())
      or (is_ready and template <> ? and created_at < clock_timestamp() - ? * interval '1 millisecond'))
    limit 10 for update skip locked
  )`;

/** Databases that wait for tenants: copied from the template ahead of time, and kept full in the background. */
export class SpareDatabases {
  readonly #parts: SpareParts;
  #filling: Promise<void> | undefined;
  #isWanted = false;
  #stop: (() => void) | undefined;
  #isClosed = false;

  constructor(parts: SpareParts) {
    this.#parts = parts;
  }

  /** Looks after them from now on, in the background. */
  start(): void {
    if (this.#parts.options.refill && !this.#isClosed) {
      this.#schedule();
    }
  }

  /** Takes one in the caller's transaction. `undefined` where there is none of this template. */
  async claim(em: EntityManager, server: string): Promise<string | undefined> {
    const { central, templates } = this.#parts;
    const template = await templates.get(server)?.hash();
    const [row] = await central.sql<{ readonly database_name: string }>(CLAIM, [server, template], em);
    return row?.database_name;
  }

  /** One was taken: more may be wanted now. */
  taken(): void {
    if (this.#parts.options.refill && !this.#isClosed) {
      void this.#refill().catch(() => {});
    }
  }

  /** Makes what is missing, and drops what nobody will take. Resolves when there are enough. */
  async fill(): Promise<void> {
    await this.#refill();
  }

  /** How many are ready, by server. */
  async ready(): Promise<Record<string, number>> {
    const { central, admins } = this.#parts;
    const rows = await central.sql<{ server: string; count: number }>(
      'select server, count(*)::int as count from tenancy_spares where is_ready group by server',
      [],
    );
    return Object.fromEntries(
      [...admins.keys()].map((name) => [name, rows.find(({ server }) => server === name)?.count ?? 0]),
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stop?.();
    await this.#filling?.catch(() => {});
  }

  #schedule(): void {
    const { clock, options } = this.#parts;
    this.#stop = clock.schedule(options.checkEveryMs, () => {
      void this.#refill()
        .catch(() => {})
        .finally(() => this.start());
    });
  }

  /** One at a time; who asks meanwhile has it done once more. */
  async #refill(): Promise<void> {
    if (this.#filling !== undefined) {
      this.#isWanted = true;
      return this.#filling;
    }
    const fill = async (): Promise<void> => {
      do {
        this.#isWanted = false;
        await Promise.all([...this.#parts.admins.keys()].map((server) => this.#fillServer(server)));
      } while (this.#isWanted && !this.#isClosed);
    };
    this.#filling = fill().finally(() => {
      this.#filling = undefined;
    });
    return this.#filling;
  }

  async #fillServer(server: string): Promise<void> {
    const { events, options } = this.#parts;
    try {
      await this.#tidy(server);
      if ((await this.#count(server)) >= options.min) {
        return;
      }
      while (!this.#isClosed && (await this.#make(server))) {
        // The next one.
      }
    } catch (error) {
      if (!this.#isClosed) {
        events.emit('spares:failed', { server, error });
      }
      throw error;
    }
  }

  async #count(server: string): Promise<number> {
    const { central, templates } = this.#parts;
    const [row] = await central.sql<{ readonly count: number }>(
      'select count(*)::int as count from tenancy_spares where server = ? and template = ?',
      [server, await templates.get(server)?.hash()],
    );
    return row?.count ?? 0;
  }

  async #make(server: string): Promise<boolean> {
    const { central, admins, templates, names, options, events } = this.#parts;
    const [admin, template] = [admins.get(server) as DatabaseAdmin, templates.get(server) as TemplateDatabase];
    // Before a row is taken: building the template may take long, or fail.
    await template.ensure();
    const hash = await template.hash();
    const database = names.made();
    const reserved = await central.change([], async (em) => {
      await central.sql("select pg_advisory_xact_lock(hashtextextended('tenancy_spares ' || ?, 0))", [server], em);
      const values = [server, database, hash, MAKING_MS, server, hash, options.max];
      return central.sql(RESERVE, values, em);
    });
    if (reserved.length === 0) {
      return false;
    }
    try {
      await template.copyTo(database);
    } catch (error) {
      await admin.drop(database);
      await central.sql('delete from tenancy_spares where server = ? and database_name = ?', [server, database]);
      throw error;
    }
    const rows = await central.sql(
      'update tenancy_spares set is_ready = true, lease_until = null where server = ? and database_name = ? returning 1',
      [server, database],
    );
    if (rows.length === 0) {
      // It took so long that others have taken it for left behind.
      await admin.dropMarked(database, database);
    } else {
      events.emit('spares:made', { server, database });
    }
    return true;
  }

  /** The row goes with the database or not at all: the transaction is open while it is dropped. */
  async #tidy(server: string): Promise<void> {
    const { central, admins, templates } = this.#parts;
    const admin = admins.get(server) as DatabaseAdmin;
    const hash = await templates.get(server)?.hash();
    await central.change([], async (em) => {
      const rows = await central.sql<{ readonly database_name: string }>(
        `${LEFT_BEHIND} returning database_name`,
        [server, hash, KEEP_OTHERS_MS],
        em,
      );
      for (const { database_name: database } of rows) {
        await admin.drop(database);
      }
    });
  }
}
