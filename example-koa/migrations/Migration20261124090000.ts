import { Migration } from '@mikro-orm/migrations';

export class Migration20261124090000 extends Migration {
  override up(): void {
    this.addSql(`
      create table "house" (
        "id" serial primary key,
        "address" varchar(200) not null,
        "description" text not null default '',
        "created_at" timestamptz not null,
        "updated_at" timestamptz not null
      )`);
  }

  override down(): void {
    this.addSql('drop table "house"');
  }
}
