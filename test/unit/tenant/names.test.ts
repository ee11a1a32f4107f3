import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TenancyConfigurationError } from 'mikro-orm-multitenancy';
import { assertDatabaseName, quoteIdentifier } from '../../../src/tenant/databaseName.ts';
import { assertDomainName, isDomainName } from '../../../src/tenant/domainName.ts';
import { assertTenantId, isTenantId } from '../../../src/tenant/tenantId.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 80 });
const anything = fc.anything();
const accepts = (check: () => void): boolean => {
  try {
    check();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(TenancyConfigurationError);
    return false;
  }
};

describe('a tenant id', () => {
  it.each(['a', '0', 'acme', 'acme-2', 'a_b', 'a'.repeat(63)])('may be %s', (id) => {
    expect(isTenantId(id)).toBe(true);
  });

  it.each(['', 'A', '-a', 'a-', '_a', 'a b', 'a.b', 'a/b', 'ä', 'a\n', 'a\u0000', 'a'.repeat(64), '../a', "a'b"])(
    'may not be %j',
    (id) => {
      expect(() => assertTenantId(id)).toThrow(TenancyConfigurationError);
    },
  );

  it('is refused with our own error, whatever it is, and with a short message', () => {
    fc.assert(
      fc.property(fc.oneof(anything, text), (value) => {
        if (!accepts(() => assertTenantId(value))) {
          try {
            assertTenantId(value);
          } catch (error) {
            expect((error as Error).message.length).toBeLessThan(700);
          }
        }
      }),
    );
  });

  it('is one DNS label and one path segment wherever it is accepted', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9_-]{1,70}$/), (id) => {
        fc.pre(isTenantId(id));
        expect(encodeURIComponent(id)).toBe(id);
        expect(id.length).toBeLessThanOrEqual(63);
      }),
    );
  });
});

describe('a database name', () => {
  it.each(['acme', 'Acme Corp', 'we"ird nämé', "o'hara", 'a/b?c#d%e', 'é'.repeat(31), 'x'.repeat(63), '-- drop'])(
    'may be %s',
    (name) => {
      expect(accepts(() => assertDatabaseName(name))).toBe(true);
    },
  );

  it.each([
    '',
    'é'.repeat(32),
    'x'.repeat(64),
    'a\u0000b',
    'a\nb',
    '\ud800',
    'postgres',
    'template0',
    'template1',
    7,
    null,
  ])('may not be %j', (name) => {
    expect(() => assertDatabaseName(name)).toThrow(TenancyConfigurationError);
  });

  it('says how many bytes are too many, and whose name it is', () => {
    expect(() => assertDatabaseName('é'.repeat(40), 'acme')).toThrow(
      /Tenant "acme": the database name "é+" has 80 bytes; PostgreSQL takes at most 63\./,
    );
  });

  it('can always be quoted when it is accepted, and the quoted name reads back as it was', () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ unit: fc.constantFrom('"', "'", '\\', 'a', ';') })), (name) => {
        fc.pre(accepts(() => assertDatabaseName(name)));
        const quoted = quoteIdentifier(name);
        expect(quoted.slice(1, -1).replaceAll('""', '"')).toBe(name);
        // No lone quote inside: nothing can end the identifier early.
        expect(/^"(?:[^"]|"")*"$/s.test(quoted)).toBe(true);
      }),
    );
  });

  it('is refused by quoting where PostgreSQL would cut it or end it', () => {
    for (const name of ['', 'x'.repeat(64), 'a\u0000', 'é'.repeat(32)]) {
      expect(() => quoteIdentifier(name)).toThrow(TenancyConfigurationError);
    }
  });
});

describe('a domain name', () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);

  it('is any list of labels up to 253 characters', () => {
    fc.assert(
      fc.property(fc.array(label, { minLength: 1, maxLength: 6 }), (labels) => {
        const name = labels.join('.');
        expect(isDomainName(name)).toBe(name.length <= 253);
      }),
    );
  });

  it.each([
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    'A.com',
    'a_b.com',
    '-a.com',
    'a-.com',
    'ä.com',
    'a.com:80',
    'a b',
    'x'.repeat(64),
    null,
  ])('may not be %j', (name) => {
    expect(() => assertDomainName(name)).toThrow(TenancyConfigurationError);
  });

  it('is refused with our own error, whatever it is', () => {
    fc.assert(fc.property(fc.oneof(anything, text), (value) => void accepts(() => assertDomainName(value))));
  });
});
