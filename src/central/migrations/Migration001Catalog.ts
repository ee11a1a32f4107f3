import { Migration } from '@mikro-orm/migrations';

/**
 * The catalogue's tables. Every change of a tenant or of its domains leaves one row in `tenancy_changes`, whoever makes
 * it: the store, an application's own EntityManager, or somebody with `psql`.
 *
 * `changed_in` is the transaction's id and not a number of a sequence. Numbers are taken in one order and become visible
 * in another, so that a reader which remembers the highest one that it saw passes over the lower one that commits later.
 * A row whose transaction is below `pg_snapshot_xmin` can have no such surprise: everything below has ended. Readers go
 * on from there and see some rows twice, none never. The alternative, one counter row that each writer holds until its
 * commit, has no gaps either, but makes every writer wait for the longest transaction that touches a tenant.
 */
export class Migration001Catalog extends Migration {
  override up(): void {
    this.addSql(`create table tenancy_tenants (
      id varchar(63) collate "C" not null primary key,
      database_name varchar(63) not null,
      server varchar(63) not null default 'default',
      status varchar(16) not null default 'active',
      metadata jsonb not null default '{}',
      revision int not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      constraint tenancy_tenants_database_unique unique (server, database_name),
      constraint tenancy_tenants_database_bytes check (octet_length(database_name) <= 63)
    )`);
    this.addSql(`create table tenancy_domains (
      domain_name varchar(253) collate "C" not null primary key,
      tenant_id varchar(63) collate "C" not null
        references tenancy_tenants (id) on update cascade on delete cascade,
      is_primary boolean not null default false,
      verified_at timestamptz,
      created_at timestamptz not null default now()
    )`);
    this.addSql('create index tenancy_domains_tenant on tenancy_domains (tenant_id)');
    this.addSql('create unique index tenancy_domains_primary on tenancy_domains (tenant_id) where is_primary');
    this.addSql(`create table tenancy_changes (
      tenant_id varchar(63) collate "C" not null primary key,
      changed_in xid8 not null,
      deleted_at timestamptz
    )`);
    this.addSql('create index tenancy_changes_changed_in on tenancy_changes (changed_in)');
    this.addSql('create index tenancy_changes_deleted on tenancy_changes (deleted_at) where deleted_at is not null');
    this.addSql(REVISE);
    this.addSql(NOTE_TENANT);
    this.addSql(NOTE_DOMAIN);
    this.addSql(
      'create trigger tenancy_revise before update on tenancy_tenants for each row execute function tenancy_revise()',
    );
    this.addSql(
      'create trigger tenancy_note_tenant after insert or update or delete on tenancy_tenants for each row execute function tenancy_note_tenant()',
    );
    this.addSql(
      'create trigger tenancy_note_domain after insert or update or delete on tenancy_domains for each row execute function tenancy_note_domain()',
    );
  }

  override down(): void {
    this.addSql('drop table tenancy_changes, tenancy_domains, tenancy_tenants');
    this.addSql('drop function tenancy_note_domain(), tenancy_note_tenant(), tenancy_revise()');
  }
}

/** MikroORM's optimistic lock asks for \`revision + 1\` too; here other writers get it as well. */
const REVISE = `create function tenancy_revise() returns trigger language plpgsql as $$
begin
  new.revision := old.revision + 1;
  if new.updated_at is not distinct from old.updated_at then
    new.updated_at := clock_timestamp();
  end if;
  return new;
end $$`;

/** Tombstones are kept for a day, which is longer than any cache goes on without reading everything again. */
const NOTE_TENANT = `create function tenancy_note_tenant() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' and (tg_op = 'DELETE' or old.id <> new.id) then
    insert into tenancy_changes (tenant_id, changed_in, deleted_at) values (old.id, pg_current_xact_id(), now())
      on conflict (tenant_id) do update set changed_in = excluded.changed_in, deleted_at = excluded.deleted_at;
    delete from tenancy_changes where tenant_id in (
      select tenant_id from tenancy_changes where deleted_at < now() - interval '1 day' limit 100 for update skip locked
    );
  end if;
  if tg_op <> 'DELETE' then
    insert into tenancy_changes (tenant_id, changed_in) values (new.id, pg_current_xact_id())
      on conflict (tenant_id) do update set changed_in = excluded.changed_in, deleted_at = null;
  end if;
  perform pg_notify('tenancy_changed', '');
  return null;
end $$`;

/** A domain belongs to what a tenant is, so that its tenant changes with it. */
const NOTE_DOMAIN = `create function tenancy_note_domain() returns trigger language plpgsql as $$
begin
  update tenancy_tenants set updated_at = clock_timestamp() where id in (
    select id from tenancy_tenants
      where id in (case when tg_op <> 'INSERT' then old.tenant_id end, case when tg_op <> 'DELETE' then new.tenant_id end)
      order by id for update
  );
  return null;
end $$`;
