import { Migration } from '@mikro-orm/migrations';
import { Migration002Data } from '../files/migrations.ts';

export class Migration001Tables extends Migration {
  override up(): void {
    this.addSql('create table counter (id int primary key auto_increment, note text not null)');
  }

  override down(): void {
    this.addSql('drop table counter');
  }
}

/** What it makes is committed by the server before it fails. */
export class Migration003Broken extends Migration {
  override up(): void {
    this.addSql('create table half (id int primary key)');
    this.addSql('select * from missing_table');
  }
}

export const migrationsList = [Migration001Tables, Migration002Data];
export const names = migrationsList.map(({ name }) => name);
