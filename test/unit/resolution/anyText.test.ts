import { isIP } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BadTenantRequestError } from '../../../src/errors.ts';
import { byPath } from '../../../src/resolution/byPath.ts';
import { parseHost } from '../../../src/resolution/parseHost.ts';
import type { TenantReference } from '../../../src/resolution/TenantRequest.ts';
import { isDomainName } from '../../../src/tenant/domainName.ts';
import { isTenantId } from '../../../src/tenant/tenantId.ts';
import { tenantRequest } from '../../support/resolution/tenantRequest.ts';

describe('any text', () => {
  it('as a path gives an id and a path that make up the path it was given, or is refused', () => {
    const piece = fc.constantFrom(
      '/',
      '//',
      '.',
      '..',
      '%2e',
      '%2F',
      '%5c',
      '%',
      'acme',
      'Globex',
      'a-b',
      '\\',
      '%00',
      'é',
      '/t',
    );
    const paths = fc.oneof(
      fc.string(),
      fc.webPath(),
      fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
    );
    const resolve = byPath({ prefix: '/t' });
    fc.assert(
      fc.property(paths, (below) => {
        const path = `/t/${below}`;
        try {
          const reference = resolve(tenantRequest({ path })) as TenantReference | undefined;
          if (reference === undefined) {
            expect(below).toBe('');
          } else {
            expect(reference.by === 'id' && isTenantId(reference.id)).toBe(true);
            const { id, path: rest } = reference as { readonly id: string; readonly path: string };
            expect([`/t/${id}${rest}`, `/t/${id}`]).toContain(path);
            expect(new URL(rest, 'http://host').pathname.startsWith('/')).toBe(true);
            expect(new URL(path, 'http://host').pathname.split('/')[2]).toBe(id);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(BadTenantRequestError);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('as a host gives a domain name or an address, or is refused', () => {
    const almost = fc
      .array(
        fc.constantFrom('a', 'Z', '0', '9', '-', '_', '.', ':', '[', ']', '@', ',', '\t', ' ', '%', '\u212A', 'x'),
        {
          maxLength: 40,
        },
      )
      .map((characters) => characters.join(''));
    const hosts = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      almost,
      fc.domain(),
      fc.ipV4(),
      fc.webAuthority(),
    );
    fc.assert(
      fc.property(hosts, (value) => {
        try {
          const host = parseHost([value]);
          expect(
            host.is === 'domain' ? isDomainName(host.domain) && isIP(host.domain) === 0 : isIP(host.address) > 0,
          ).toBe(true);
          expect(host.port === undefined || (host.port >= 1 && host.port <= 65_535)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(BadTenantRequestError);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
