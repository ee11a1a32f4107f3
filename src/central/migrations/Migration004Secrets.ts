import { Migration } from '@mikro-orm/migrations';

/** The secrets of tenants' roles, which nobody reads without a key that is not here. */
export class Migration004Secrets extends Migration {
  override up(): void {
    this.addSql(`create table tenancy_secrets (
      name varchar(63) collate "C" not null primary key,
      key_id varchar(32) not null,
      nonce bytea not null,
      secret bytea not null,
      updated_at timestamptz not null default clock_timestamp()
    )`);
  }

  override down(): void {
    this.addSql('drop table tenancy_secrets');
  }
}
