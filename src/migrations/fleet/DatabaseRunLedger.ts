import type { FleetItem } from './FleetRun.ts';
import { FleetRunNotFoundError } from './fleetErrors.ts';
import { ITEM_COLUMNS, type ItemRow, itemOf, type LedgerSql, RUN_COLUMNS, type RunRow, runOf } from './ledgerRows.ts';
import type { Claim, ItemFilter, Outcome, Progress, Reopening, RunLedger } from './RunLedger.ts';

/** Workers that ask at the same time pass over each other's rows instead of waiting for them. */
const CLAIM = `
  with due as (
    select one.run_id, one.tenant_id
    from tenancy_fleet_items one join tenancy_fleet_runs run on run.id = one.run_id
    where one.run_id = ?::bigint and run.state = 'running' and one.wave <= run.wave
      and one.server in (select jsonb_array_elements_text(?::jsonb))
      and ((one.state = 'pending' and one.due_at <= clock_timestamp())
        or (one.state = 'running' and one.lease_until < clock_timestamp()))
    order by one.position limit 1 for update of one skip locked
  ), claimed as (
    update tenancy_fleet_items item set state = 'running', worker = ?, attempts = item.attempts + 1,
      lease_until = clock_timestamp() + ? * interval '1 millisecond',
      started_at = coalesce(item.started_at, clock_timestamp()), finished_at = null
    from due where item.run_id = due.run_id and item.tenant_id = due.tenant_id
    returning item.*
  ), noted as (
    insert into tenancy_fleet_attempts (run_id, tenant_id, attempt, worker)
    select run_id, tenant_id, attempts, worker from claimed
  )
  select ${ITEM_COLUMNS} from claimed item`;

/** What was there before the first attempt stays: later ones may find what earlier ones have done. */
const BEGIN = `
  update tenancy_fleet_items set executed_before = coalesce(executed_before, ?::jsonb)
  where run_id = ?::bigint and tenant_id = ? and worker = ? and attempts = ? and state = 'running'
  returning executed_before`;

const SETTLE = `
  with settled as (
    update tenancy_fleet_items set state = ?, due_at = clock_timestamp() + ? * interval '1 millisecond',
      migrations = ?::jsonb, to_migration = coalesce(?, to_migration), error = ?::jsonb, forgiven = forgiven + ?,
      worker = null, lease_until = null,
      finished_at = case when ? then clock_timestamp() end
    where run_id = ?::bigint and tenant_id = ? and worker = ? and attempts = ? and state = 'running'
    returning run_id, tenant_id, attempts, error
  )
  update tenancy_fleet_attempts attempt set ended_at = clock_timestamp(), outcome = ?, error = settled.error
  from settled
  where attempt.run_id = settled.run_id and attempt.tenant_id = settled.tenant_id and attempt.attempt = settled.attempts
  returning 1`;

const PROGRESS = `
  select ${RUN_COLUMNS}, coalesce((
    select jsonb_agg(to_jsonb(one)) from (
      select wave, state, count(*)::int as count from tenancy_fleet_items where run_id = run.id
      group by wave, state order by wave, state
    ) one
  ), '[]') as states
  from tenancy_fleet_runs run where run.id = ?::bigint`;

/** After a stop between two waves the next one begins all the same, whatever failed in the one before. */
const REOPEN = `
  with retried as (
    update tenancy_fleet_items set state = 'pending', forgiven = attempts, due_at = clock_timestamp(),
      error = null, finished_at = null
    where run_id = ?::bigint and state = 'failed' and ?
    returning tenant_id
  )
  update tenancy_fleet_runs run set state = 'running', stopped_because = null, finished_at = null,
    wave = case when ? then (
      select coalesce(min(wave), run.wave) from tenancy_fleet_items where run_id = run.id
        and (state <> 'done' and state <> 'unchanged')
    ) else run.wave end,
    forgiven_wave = case when ? then run.forgiven_wave else run.wave end,
    failures_before = case when ? then 0 else (
      select count(*) from tenancy_fleet_items where run_id = run.id and state = 'failed'
    ) end
  where run.id = ?::bigint and run.state <> 'running'`;

interface ProgressRow extends RunRow {
  readonly states: Progress['states'];
}

/** One run in the tables of the central database. */
export class DatabaseRunLedger implements RunLedger {
  readonly #sql: LedgerSql;
  readonly #id: string;

  constructor(sql: LedgerSql, id: string) {
    this.#sql = sql;
    this.#id = id;
  }

  async progress(): Promise<Progress> {
    const [row] = await this.#sql<ProgressRow>(PROGRESS, [this.#id]);
    if (row === undefined) {
      throw new FleetRunNotFoundError(this.#id);
    }
    const { forgiven_wave: forgiven, failures_before: failuresBefore, states } = row;
    return { run: runOf(row), states, failuresBefore, isWaveForgiven: forgiven >= row.wave };
  }

  async items({ states, limit }: ItemFilter = {}): Promise<FleetItem[]> {
    const wanted = states === undefined ? null : JSON.stringify(states);
    const rows = await this.#sql<ItemRow>(
      `select ${ITEM_COLUMNS} from tenancy_fleet_items item
       where item.run_id = ?::bigint and (?::jsonb is null or item.state in (select jsonb_array_elements_text(?::jsonb)))
       order by item.position limit ?::bigint`,
      [this.#id, wanted, wanted, limit ?? null],
    );
    return rows.map(itemOf);
  }

  async claim(worker: string, servers: readonly string[], leaseMs: number): Promise<Claim | undefined> {
    const [row] = await this.#sql<ItemRow>(CLAIM, [this.#id, JSON.stringify(servers), worker, leaseMs]);
    return (
      row && {
        tenantId: row.tenant_id,
        server: row.server,
        wave: row.wave,
        attempt: row.attempts,
        forgiven: row.forgiven,
        takesBack: row.takes_back ?? undefined,
      }
    );
  }

  async begin(claim: Claim, worker: string, executed: readonly string[]): Promise<readonly string[] | undefined> {
    const [row] = await this.#sql<Pick<ItemRow, 'executed_before'>>(BEGIN, [
      JSON.stringify(executed),
      ...this.#held(claim, worker),
    ]);
    return row?.executed_before ?? undefined;
  }

  async settle(claim: Claim, worker: string, outcome: Outcome): Promise<boolean> {
    const { state, againInMs, migrations, to, error, isForgiven } = outcome;
    const rows = await this.#sql(SETTLE, [
      ...[state, againInMs, JSON.stringify(migrations), to ?? null],
      ...[error === undefined ? null : JSON.stringify(error), isForgiven ? 1 : 0, state !== 'pending'],
      ...this.#held(claim, worker),
      state,
    ]);
    return rows.length > 0;
  }

  async renew(worker: string, leaseMs: number): Promise<void> {
    await this.#sql(
      `update tenancy_fleet_items set lease_until = clock_timestamp() + ? * interval '1 millisecond'
       where run_id = ?::bigint and worker = ? and state = 'running'`,
      [leaseMs, this.#id, worker],
    );
  }

  async advance(wave: number): Promise<void> {
    await this.#sql(
      "update tenancy_fleet_runs set wave = wave + 1 where id = ?::bigint and wave = ? and state = 'running'",
      [this.#id, wave],
    );
  }

  async stop(because: string): Promise<void> {
    await this.#sql(
      `update tenancy_fleet_runs set state = 'stopped', stopped_because = ?, finished_at = clock_timestamp()
       where id = ?::bigint and state = 'running'`,
      [because, this.#id],
    );
  }

  async finish(): Promise<void> {
    await this.#sql(
      `update tenancy_fleet_runs set state = 'finished', finished_at = clock_timestamp()
       where id = ?::bigint and state = 'running' and not exists (
         select 1 from tenancy_fleet_items where run_id = tenancy_fleet_runs.id and state in ('pending', 'running')
       )`,
      [this.#id],
    );
  }

  async reopen(how: Reopening): Promise<void> {
    const retries = how === 'retry';
    await this.#sql(REOPEN, [this.#id, retries, retries, retries, retries, this.#id]);
  }

  #held({ tenantId, attempt }: Claim, worker: string): readonly unknown[] {
    return [this.#id, tenantId, worker, attempt];
  }
}
