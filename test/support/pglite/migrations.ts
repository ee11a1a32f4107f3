import { Migration } from '@mikro-orm/migrations';

export class Migration001Tables extends Migration {
  override up(): void {
    this.addSql('create table counter (id serial primary key, note text not null)');
  }
}

export class Migration002Data extends Migration {
  override up(): void {
    this.addSql("insert into counter (note) values ('applied')");
  }
}

export const migrationsList = [Migration001Tables, Migration002Data];
export const names = migrationsList.map(({ name }) => name);
