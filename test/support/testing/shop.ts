import { defineEntity, p } from '@mikro-orm/core';
import { Migration } from '@mikro-orm/migrations';

export const Article = defineEntity({
  name: 'Article',
  properties: { id: p.integer().primary(), name: p.string() },
});

export class Migration001Article extends Migration {
  override up(): void {
    this.addSql('create table article (id serial primary key, name text not null)');
  }
}

/** What an application gives its manager, without tenants. */
export const SHOP = { entities: [Article], migrations: { migrationsList: [Migration001Article] } };
