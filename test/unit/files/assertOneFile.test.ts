import { describe, expect, it } from '@jest/globals';
import { TenancyConfigurationError } from '../../../src/errors.ts';
import { assertOneFile } from '../../../src/files/assertOneFile.ts';

describe('statements of a tenant', () => {
  it.each([
    "attach database 'globex.sqlite' as other",
    'ATTACH "globex.sqlite" AS other',
    "  \n\t attach 'x' as y",
    "-- a comment\nattach 'x' as y",
    "/* one */ /* two\n */ attach 'x' as y",
    ";; attach 'x' as y",
    "--\n/**/--\nattach 'x' as y",
    "vacuum into 'copy.sqlite'",
    "/* */ VACUUM main INTO 'copy.sqlite'",
  ])('may not open another file: %j', (text) => {
    expect(() => assertOneFile('acme', text)).toThrow(TenancyConfigurationError);
    expect(() => assertOneFile('acme', text)).toThrow('Tenant "acme": ATTACH and VACUUM INTO');
  });

  it.each([
    'select 1',
    "insert into house (address) values ('attach')",
    'alter table house add attached int',
    'analyze',
    'vacuum',
    'attachment',
    '-- attach',
    "/* attach 'x' as y */ select 1",
    "select 'vacuum into'",
    '',
  ])('may be %j', (text) => {
    expect(() => assertOneFile('acme', text)).not.toThrow();
  });
});
