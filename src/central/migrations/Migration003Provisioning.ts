import { Migration } from '@mikro-orm/migrations';

/**
 * What is done to tenants, step by step: each step is written down when it is over, and what it works on before it
 * begins. Beside it the databases that are ready for tenants to come, and those that are kept for a while after a move.
 */
export class Migration003Provisioning extends Migration {
  override up(): void {
    this.addSql(`create table tenancy_operations (
      id bigint generated always as identity primary key,
      kind varchar(16) not null,
      tenant_id varchar(63) collate "C" not null,
      state varchar(16) not null default 'running',
      is_undoing boolean not null default false,
      request jsonb not null default '{}',
      data jsonb not null default '{}',
      step text,
      done jsonb not null default '[]',
      error jsonb,
      attempt int not null default 1,
      worker text,
      lease_until timestamptz,
      started_at timestamptz not null default clock_timestamp(),
      finished_at timestamptz
    )`);
    // Whoever comes second finds the first.
    this.addSql(
      "create unique index tenancy_operations_open on tenancy_operations (tenant_id) where state in ('running', 'failed')",
    );
    this.addSql('create index tenancy_operations_tenant on tenancy_operations (tenant_id, id)');
    this.addSql(`create table tenancy_spares (
      server varchar(63) not null,
      database_name varchar(63) not null,
      template varchar(63) not null,
      is_ready boolean not null default false,
      lease_until timestamptz,
      created_at timestamptz not null default clock_timestamp(),
      primary key (server, database_name)
    )`);
    this.addSql('create index tenancy_spares_ready on tenancy_spares (server, template, created_at) where is_ready');
    this.addSql(`create table tenancy_leftovers (
      server varchar(63) not null,
      database_name varchar(63) not null,
      role_name varchar(63),
      tenant_id varchar(63) collate "C" not null,
      drop_after timestamptz not null,
      primary key (server, database_name)
    )`);
  }

  override down(): void {
    this.addSql('drop table tenancy_leftovers, tenancy_spares, tenancy_operations');
  }
}
