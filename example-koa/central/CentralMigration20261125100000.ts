import { Migration } from '@mikro-orm/migrations';

export class CentralMigration20261125100000 extends Migration {
  override up(): void {
    this.addSql(`
      create table "plan" (
        "id" varchar(20) primary key,
        "title" varchar(60) not null,
        "houses" int not null
      )`);
    this.addSql(`insert into "plan" values ('free', 'Free', 10), ('estate', 'Estate', 1000)`);
    // Tenants are in the library's table, which is there before the application's migrations run.
    this.addSql(`
      alter table "tenancy_tenants"
        add column "name" varchar(60) not null,
        add column "colour" varchar(7) not null,
        add column "plan" varchar(20) not null default 'free' references "plan" ("id")`);
  }

  override down(): void {
    this.addSql('alter table "tenancy_tenants" drop column "name", drop column "colour", drop column "plan"');
    this.addSql('drop table "plan"');
  }
}
