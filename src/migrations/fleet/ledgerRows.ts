import type {
  FleetFailure,
  FleetItem,
  FleetItemState,
  FleetMigration,
  FleetRun,
  FleetRunKind,
  FleetRunSettings,
  FleetRunState,
} from './FleetRun.ts';

/** Runs one statement in the central database, with `?` for its parameters. */
export type LedgerSql = <R extends object>(text: string, parameters: readonly unknown[]) => Promise<R[]>;

export interface RunRow {
  readonly id: string;
  readonly kind: FleetRunKind;
  readonly state: FleetRunState;
  readonly settings: FleetRunSettings;
  readonly run_by: string | null;
  readonly of_run: string | null;
  readonly waves: number;
  readonly wave: number;
  readonly forgiven_wave: number;
  readonly failures_before: number;
  readonly stopped_because: string | null;
  readonly started_at: string;
  readonly finished_at: string | null;
}

export interface ItemRow {
  readonly tenant_id: string;
  readonly server: string;
  readonly wave: number;
  readonly state: FleetItemState;
  readonly attempts: number;
  readonly forgiven: number;
  readonly takes_back: FleetMigration[] | null;
  readonly executed_before: string[] | null;
  readonly migrations: FleetMigration[];
  readonly to_migration: string | null;
  readonly error: FleetFailure | null;
  readonly started_at: string | null;
  readonly finished_at: string | null;
}

const isoTime = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ${column.replace(/^\w+\./, '')}`;

export const RUN_COLUMNS = `run.id::text, run.kind, run.state, run.settings, run.run_by, run.of_run::text, run.waves,
  run.wave, run.forgiven_wave, run.failures_before, run.stopped_because, ${isoTime('run.started_at')},
  ${isoTime('run.finished_at')}`;

export const ITEM_COLUMNS = `item.tenant_id, item.server, item.wave, item.state, item.attempts, item.forgiven,
  item.takes_back, item.executed_before, item.migrations, item.to_migration, item.error, ${isoTime('item.started_at')},
  ${isoTime('item.finished_at')}`;

export function runOf(row: RunRow): FleetRun {
  return {
    id: row.id,
    kind: row.kind,
    state: row.state,
    settings: row.settings,
    by: row.run_by ?? undefined,
    ofRun: row.of_run ?? undefined,
    waves: row.waves,
    wave: row.wave,
    stoppedBecause: row.stopped_because ?? undefined,
    startedAt: row.started_at,
    finishedAt: row.finished_at ?? undefined,
  };
}

export function itemOf(row: ItemRow): FleetItem {
  const from = row.executed_before?.at(-1);
  return {
    tenantId: row.tenant_id,
    server: row.server,
    wave: row.wave,
    state: row.state,
    attempts: row.attempts,
    from,
    to: row.to_migration ?? from,
    migrations: row.migrations,
    error: row.error ?? undefined,
    startedAt: row.started_at ?? undefined,
    finishedAt: row.finished_at ?? undefined,
  };
}
