import { Migration } from '@mikro-orm/migrations';

/**
 * The ledger of fleet runs: what each was to do, each tenant of it, and each attempt. A row of an attempt is written
 * before the attempt begins, and `executed_before` before anything is changed in the tenant's database.
 */
export class Migration002Fleet extends Migration {
  override up(): void {
    this.addSql(`create table tenancy_fleet_runs (
      id bigint generated always as identity primary key,
      kind varchar(16) not null,
      state varchar(16) not null default 'running',
      settings jsonb not null,
      run_by text,
      of_run bigint references tenancy_fleet_runs (id),
      waves int not null,
      wave int not null default 1,
      forgiven_wave int not null default 0,
      failures_before int not null default 0,
      stopped_because text,
      started_at timestamptz not null default clock_timestamp(),
      finished_at timestamptz
    )`);
    this.addSql('create unique index tenancy_fleet_runs_of_run on tenancy_fleet_runs (of_run)');
    this.addSql(`create table tenancy_fleet_items (
      run_id bigint not null references tenancy_fleet_runs (id) on delete cascade,
      tenant_id varchar(63) collate "C" not null,
      server varchar(63) not null,
      position int not null,
      wave int not null,
      state varchar(16) not null default 'pending',
      attempts int not null default 0,
      forgiven int not null default 0,
      due_at timestamptz not null default clock_timestamp(),
      worker text,
      lease_until timestamptz,
      takes_back jsonb,
      executed_before jsonb,
      migrations jsonb not null default '[]',
      to_migration text,
      error jsonb,
      started_at timestamptz,
      finished_at timestamptz,
      primary key (run_id, tenant_id)
    )`);
    this.addSql(
      "create index tenancy_fleet_items_due on tenancy_fleet_items (run_id, position) where state in ('pending', 'running')",
    );
    this.addSql('create index tenancy_fleet_items_tenant on tenancy_fleet_items (tenant_id, run_id)');
    this.addSql(`create table tenancy_fleet_attempts (
      run_id bigint not null,
      tenant_id varchar(63) collate "C" not null,
      attempt int not null,
      worker text not null,
      outcome varchar(16),
      error jsonb,
      started_at timestamptz not null default clock_timestamp(),
      ended_at timestamptz,
      primary key (run_id, tenant_id, attempt),
      foreign key (run_id, tenant_id) references tenancy_fleet_items (run_id, tenant_id) on delete cascade
    )`);
  }

  override down(): void {
    this.addSql('drop table tenancy_fleet_attempts, tenancy_fleet_items, tenancy_fleet_runs');
  }
}
