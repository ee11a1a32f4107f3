import { Migration } from '@mikro-orm/migrations';

export class Migration20260102000000 extends Migration {
  override up(): void {
    this.addSql('insert into from_file default values');
  }
}
