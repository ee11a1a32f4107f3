import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { TenancyConfigurationError } from '../../../src/errors.ts';
import { assertFileName, databasePath } from '../../../src/files/fileName.ts';

describe('the name of a database that is a file', () => {
  it.each(['a', 'acme', 'acme_2', 'a-b_c', '0', 'x'.repeat(63)])('may be %j', (name) => {
    expect(() => assertFileName(name)).not.toThrow();
    expect(databasePath('/data', name, '.sqlite')).toBe(join('/data', `${name}.sqlite`));
  });

  it.each([
    ...['', '.', '..', '../acme', '/etc/passwd', 'a/b', 'a\\b', 'acme.sqlite', 'acme\0', 'acme\n', ' acme', 'acme '],
    ...['Acme', 'ACME', 'ácme', 'acme:', 'acme:stream', ':memory:', 'file:acme?mode=memory', '-acme', 'acme-', '_a'],
    ...['~', '~root', '%2e%2e', 'con', 'nul', 'com1', 'lpt9', 'x'.repeat(64), 'acme-lock.', 'a*', 'a?'],
    ...[undefined, null, 7, {}, ['acme'], new String('acme')],
  ])('may not be %j', (name) => {
    expect(() => assertFileName(name)).toThrow(TenancyConfigurationError);
    expect(() => databasePath('/data', name as string, '.sqlite', 'acme')).toThrow(/^Tenant "acme": the database name/);
  });

  it('never leads out of the folder, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('.', '/', '\\', 'a', '\0', '-') })),
        (name) => {
          let path: string | undefined;
          try {
            path = databasePath('/data/tenants', name, '.sqlite');
          } catch (error) {
            expect(error).toBeInstanceOf(TenancyConfigurationError);
          }
          if (path !== undefined) {
            expect(dirname(path)).toBe('/data/tenants');
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
