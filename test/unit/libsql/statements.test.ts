import { describe, expect, it } from '@jest/globals';
import { TenancyConfigurationError } from '../../../src/errors.ts';
import { assertKeepsLock } from '../../../src/libsql/assertKeepsLock.ts';
import { assertNoFileFunctions } from '../../../src/libsql/assertNoFileFunctions.ts';
import { assertOneStatement } from '../../../src/libsql/assertOneStatement.ts';

describe('a text for libSQL', () => {
  it.each([
    'select 1; select 2',
    'select 1;select 2;',
    "insert into t values ('a'); -- and\n delete from t",
    'select 1; /* ; */ x',
    "select ';'; drop table t",
    'select [;]; drop table t',
    'select "a""; b"; drop table t',
    'create table t (id); create trigger a after insert on t begin select 1; end',
  ])('has one statement, and not more: %j', (text) => {
    expect(() => assertOneStatement('acme', text)).toThrow(TenancyConfigurationError);
    expect(() => assertOneStatement('acme', text)).toThrow('Tenant "acme": a text has more than one statement');
  });

  it.each([
    'select 1',
    'select 1;',
    'select 1 ; ;\n',
    ';; select 1',
    "select ';' || 'it''s; fine'",
    'select "a;b", `c;d`, [e;f] from t',
    'select 1; -- the end; really',
    'select 1 /* ; two; */',
    '-- first; a comment\nselect 1',
    'create trigger a after insert on t begin update t set n = 1; delete from u; end',
    "/* x */ CREATE TEMP TRIGGER a after insert on t begin insert into u values (';'); END;",
    '',
  ])('may be %j', (text) => {
    expect(() => assertOneStatement('acme', text)).not.toThrow();
  });

  it.each([
    "select readfile('globex.db')",
    'select "READFILE"(\'globex.db\')',
    "select [writefile] ( 'globex.db', x'' )",
    "select/**/writefile/**/('globex.db', x'')",
    "select * from 'fsdir'('.')",
    "select sha3_query('select write' || 'file(''globex.db'', x'''')')",
    "insert into t values ('of readfile')",
  ])('reaches no file: %j', (text) => {
    expect(() => assertNoFileFunctions('acme', text)).toThrow(TenancyConfigurationError);
    expect(() => assertNoFileFunctions('acme', text)).toThrow("reaches other files than the tenant's database");
  });

  it.each(['select my_readfile(1)', 'select readfiles from t', 'select sha3(1)', ''])('may be %j', (text) => {
    expect(() => assertNoFileFunctions('acme', text)).not.toThrow();
  });

  it.each([
    'pragma locking_mode = normal',
    'PRAGMA main.Locking_Mode(exclusive)',
    'explain pragma journal_mode=wal',
    "pragma 'journal_mode' = wal",
    'pragma [journal_mode] = wal',
    'pragma/**/journal_mode/**/= wal',
    'pragma\n-- x\njournal_mode -- y\n = wal',
  ])('does not give the file to others: %j', (text) => {
    expect(() => assertKeepsLock('acme', text)).toThrow(TenancyConfigurationError);
  });

  it.each([
    'pragma locking_mode',
    'pragma journal_mode;',
    'pragma foreign_keys = on',
    'select 1',
    'select locking_mode = 1',
  ])('leaves it as it is: %j', (text) => {
    expect(() => assertKeepsLock('acme', text)).not.toThrow();
  });
});
