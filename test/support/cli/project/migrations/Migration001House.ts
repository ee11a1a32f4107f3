import { Migration } from '@mikro-orm/migrations';

/** Slow enough for two processes to meet. */
export class Migration001House extends Migration {
  override up(): void {
    this.addSql('create table house (id serial primary key, address text not null)');
    this.addSql('select pg_sleep(0.2)');
  }

  override down(): void {
    this.addSql('drop table house');
  }
}
