// Migrates one tenant from several callers of this process at once, and prints what each of them applied. With `hold`, it
// takes the lock, says so, and keeps it until it is killed. The place is a folder, or the URL of a server of MySQL.
import { Migration } from '@mikro-orm/migrations';
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { mysqlDatabases } from 'mikro-orm-multitenancy/mysql';
import { KINDS } from '../files/kinds.ts';
import { migrationsList } from '../files/migrations.ts';
import { migrationsList as mysqlMigrations } from '../mysql/migrations.ts';

const [name = '', place = '', database = '', callers = '1'] = process.argv.slice(2);

const isMysql = name === 'MySQL';
const kind = new Map(KINDS).get(name);
if (kind === undefined && !isMysql) {
  throw new Error(`no kind of databases: ${name}`);
}
const known = isMysql ? mysqlMigrations : migrationsList;

class Migration000Held extends Migration {
  override async up(): Promise<void> {
    console.log('held');
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  }
}

const manager = await TenantOrmManager.init({
  databases: kind?.databasesOf({ folder: place }) ?? (mysqlDatabases({ url: place }) as never),
  orm: {
    entities: [],
    discovery: { warnWhenNoEntities: false },
    migrations: { migrationsList: callers === 'hold' ? [Migration000Held] : known },
  },
  catalog: new StaticCatalog([{ id: 'acme', database }]),
});
const applied = await Promise.all(
  Array.from({ length: callers === 'hold' ? 1 : Number(callers) }, async () =>
    (await manager.migrator('acme').up()).map(({ name }) => name),
  ),
);
console.log(JSON.stringify(applied.flat()));
await manager.close();
