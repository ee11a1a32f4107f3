import { Migration } from '@mikro-orm/migrations';

/** A table, and rows that count how often the data migration ran. */
export class Migration001Tables extends Migration {
  override up(): void {
    this.addSql('create table counter (id serial primary key, note text not null)');
  }

  override down(): void {
    this.addSql('drop table counter');
  }
}

export class Migration002Data extends Migration {
  override up(): void {
    this.addSql("insert into counter (note) values ('applied')");
    // Long enough that callers overlap.
    this.addSql('select pg_sleep(0.05)');
  }

  override down(): void {
    this.addSql('delete from counter');
  }
}

export class Migration003MoreData extends Migration {
  override up(): void {
    this.addSql("insert into counter (note) values ('more')");
  }

  override down(): void {
    this.addSql("delete from counter where note = 'more'");
  }
}

export class Migration004Broken extends Migration {
  override up(): void {
    this.addSql("insert into counter (note) values ('half done')");
    this.addSql('create table half_done (id int)');
    this.addSql('select * from missing_table');
  }
}

export class Migration005Concurrently extends Migration {
  override isTransactional(): boolean {
    return false;
  }

  override up(): void {
    this.addSql('create index concurrently counter_note on counter (note)');
  }

  override down(): void {
    this.addSql('drop index concurrently counter_note');
  }
}

export const migrationsList = [Migration001Tables, Migration002Data, Migration003MoreData];
export const names = migrationsList.map(({ name }) => name);
