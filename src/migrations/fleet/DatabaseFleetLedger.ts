import type { RecordedChecksums } from '../status/FleetStatusReader.ts';
import { DatabaseRunLedger } from './DatabaseRunLedger.ts';
import type { FleetRun } from './FleetRun.ts';
import { FleetRunNotFoundError, FleetRunStateError } from './fleetErrors.ts';
import { type LedgerSql, RUN_COLUMNS, type RunRow, runOf } from './ledgerRows.ts';
import type { FleetLedger, NewFleetItem, NewFleetRun, RunLedger } from './RunLedger.ts';

/** One statement, so that a run is there with all its tenants or not at all. */
const CREATE = `
  with run as (
    insert into tenancy_fleet_runs (kind, settings, run_by, of_run, waves)
    values (?, ?::jsonb, ?, ?::bigint, ?) returning id
  ), item as (
    insert into tenancy_fleet_items (run_id, tenant_id, server, position, wave, takes_back)
    select run.id, one."tenantId", one.server, one.position, one.wave, one."takesBack"
    from run, jsonb_to_recordset(?::jsonb)
      as one ("tenantId" text, server text, position int, wave int, "takesBack" jsonb)
  )
  select id::text from run`;

const CHECKSUMS = `
  select item.tenant_id, migration ->> 'name' as name, migration ->> 'checksum' as checksum
  from tenancy_fleet_items item
    join tenancy_fleet_runs run on run.id = item.run_id and run.kind = 'migrate'
    cross join jsonb_array_elements(item.migrations) migration
  where item.tenant_id in (select jsonb_array_elements_text(?::jsonb)) and migration ->> 'checksum' is not null
  order by item.run_id`;

/** A run's id is a number; what else is asked for is nobody's. */
const RUN_ID = /^\d{1,18}$/;

/** {@link FleetLedger} over the tables of the central database. */
export class DatabaseFleetLedger implements FleetLedger {
  readonly #sql: LedgerSql;

  constructor(sql: LedgerSql) {
    this.#sql = sql;
  }

  async create({ kind, settings, by, ofRun }: NewFleetRun, items: readonly NewFleetItem[]): Promise<RunLedger> {
    const waves = items.reduce((last, { wave }) => Math.max(last, wave), 1);
    const rows = items.map((item, position) => ({ ...item, position }));
    const values = [kind, JSON.stringify(settings), by ?? null, ofRun ?? null, waves, JSON.stringify(rows)];
    try {
      const [run] = await this.#sql<{ readonly id: string }>(CREATE, values);
      return new DatabaseRunLedger(this.#sql, run?.id ?? '');
    } catch (error) {
      throw ofRun === undefined ? error : ((await this.#takenBackBefore(ofRun)) ?? error);
    }
  }

  async open(runId: string): Promise<RunLedger> {
    const known = RUN_ID.test(runId)
      ? await this.#sql('select 1 from tenancy_fleet_runs where id = ?::bigint', [runId])
      : [];
    if (known.length === 0) {
      throw new FleetRunNotFoundError(runId);
    }
    return new DatabaseRunLedger(this.#sql, runId);
  }

  async runs(limit: number): Promise<FleetRun[]> {
    const rows = await this.#sql<RunRow>(
      `select ${RUN_COLUMNS} from tenancy_fleet_runs run order by run.id desc limit ?`,
      [limit],
    );
    return rows.map(runOf);
  }

  /** Two rollbacks of one run would take back what somebody applied again in between. */
  async #takenBackBefore(runId: string): Promise<FleetRunStateError | undefined> {
    const [rollback] = await this.#sql<{ readonly id: string }>(
      'select id::text from tenancy_fleet_runs where of_run = ?::bigint',
      [runId],
    );
    return (
      rollback &&
      new FleetRunStateError(
        runId,
        `is taken back by run "${rollback.id}" already. Go on with that one, by \`fleet.resume\` or \`fleet.retry\`.`,
      )
    );
  }

  async checksums(tenantIds: readonly string[]): Promise<RecordedChecksums> {
    const rows = await this.#sql<{ tenant_id: string; name: string; checksum: string }>(CHECKSUMS, [
      JSON.stringify(tenantIds),
    ]);
    const byTenant = new Map<string, Map<string, string>>();
    for (const { tenant_id: tenantId, name, checksum } of rows) {
      const ofTenant = byTenant.get(tenantId) ?? new Map<string, string>();
      byTenant.set(tenantId, ofTenant.set(name, checksum));
    }
    return byTenant;
  }
}
