import { Migration } from '@mikro-orm/migrations';

/** A table, and rows that count how often the data migration ran. */
export class Migration001Tables extends Migration {
  override up(): void {
    this.addSql('create table counter (id integer primary key autoincrement, note text not null)');
  }

  override down(): void {
    this.addSql('drop table counter');
  }
}

export class Migration002Data extends Migration {
  override async up(): Promise<void> {
    // Long enough that callers overlap.
    await new Promise((resolve) => setTimeout(resolve, 50));
    this.addSql("insert into counter (note) values ('applied')");
  }

  override down(): void {
    this.addSql('delete from counter');
  }
}

export class Migration003Broken extends Migration {
  override up(): void {
    this.addSql("insert into counter (note) values ('half done')");
    this.addSql('select * from missing_table');
  }
}

export const migrationsList = [Migration001Tables, Migration002Data];
export const names = migrationsList.map(({ name }) => name);
