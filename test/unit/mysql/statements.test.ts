import { describe, expect, it } from '@jest/globals';
import { TenancyConfigurationError } from 'mikro-orm-multitenancy';
import { assertOwnDatabase } from '../../../src/mysql/assertOwnDatabase.ts';
import { leavesNothing } from '../../../src/mysql/leavesNothing.ts';

const acme = { tenantId: 'acme', database: 'acme' };

describe('a statement that names a table of another database', () => {
  it.each([
    'select * from `globex`.`house`',
    'SELECT * FROM globex.house h',
    'select * from globex . house',
    'select * from (globex.house)',
    'select * from /* */ globex./**/house',
    'select * from a join globex.house on 1 = 1',
    'insert into `globex`.`house` (`id`) values (1)',
    'insert ignore into globex.house values (1)',
    'replace into globex.house values (1)',
    'update `globex`.`house` set `id` = 1',
    'delete from `globex`.`house`',
    'truncate table `globex`.`house`',
    'drop table if exists globex.house',
    'create table acme.copy like acme.house references globex.house (id)',
    'call globex.steal()',
    'select * from `glo``bex`.`house`',
    'use globex',
    '  USE globex',
    '/*!50000 use globex */',
    '/*M!100100use globex */',
    '/* a */ use globex',
    "select ' it\\'s ' from globex.house",
    'select * from Globex.house',
    'select * from mysql.user',
  ])('is refused: %s', (text) => {
    expect(() => assertOwnDatabase(acme, text)).toThrow(TenancyConfigurationError);
  });

  it.each([
    'select `h0`.* from `house` as `h0` left join `person` as `p1` on `h0`.`owner_id` = `p1`.`id`',
    'select `h0`.`id` from `acme`.`house` as `h0`',
    'select * from ACME.house',
    "insert into `note` (`text`) values ('from globex.house'), (\"join globex.house\"), ('it\\'s from globex.house')",
    "insert into note values ('it''s from globex.house')",
    'select extract(year from h.listed_at), trim(both x from h.name) from house h',
    'select extract(year from date(coalesce(h.a, h.b))) from house h -- from globex.house\n',
    'select table_name from information_schema.tables',
    'select 1 /* from globex.house */',
    'insert into house (id) values (1) on duplicate key  update house.id = values(id)',
    'select user from account',
    'update house set use_count = 1',
  ])('is not what this is: %s', (text) => {
    expect(() => assertOwnDatabase(acme, text)).not.toThrow();
  });

  it('is found in a text of a megabyte in no time', () => {
    const text = `insert into note values ('${"it''s # from x.y /* ".repeat(50_000)}')`;
    const startedAt = performance.now();
    expect(() => assertOwnDatabase(acme, text)).not.toThrow();
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});

describe('a statement', () => {
  it.each([
    'select `h0`.* from `house` as `h0` where `h0`.`id` in (1, 2) and (`h0`.`id` > 1) order by `h0`.`id` limit 1',
    'select count(*) as `count`, lower(`name`) from `house` as `h0`',
    '(select 1) union (select 2)',
    "insert into `house` (`id`, `name`) values (1, 'me@example.com') on duplicate key update `name` = values(`name`)",
    "update `house` set `name` = 'a /* b */ := f(x)' where `id` = 1",
    'delete from `house` where exists (select 1 from `tag`)',
    'begin',
    'COMMIT',
    'rollback to savepoint `trx1`',
    'release savepoint `trx1`',
    'select database() as name',
  ])('leaves nothing in its session: %s', (text) => {
    expect(leavesNothing(text)).toBe(true);
  });

  it.each([
    'set @a = 1',
    'select @a := 1',
    'select 1 into @a',
    "select get_lock('a', 1)",
    'select my_function(1)',
    'select `my_function`(1)',
    'select acme.lower(1)',
    'create temporary table t (id int)',
    'lock tables house read',
    'set transaction isolation level serializable',
    "prepare s from 'select 1'",
    'call work()',
    'select /*! my_function */ (1)',
    `select '${'x'.repeat(100_000)}'`,
    'start transaction read only',
    'insert into house (id) values (my_function(1))',
    'handler house open',
    'xa start 1',
  ])('may leave something: %s', (text) => {
    expect(leavesNothing(text)).toBe(false);
  });
});
