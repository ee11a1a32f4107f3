import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  NoTenantError,
  TenancyConfigurationError,
  type TenantOrmManager,
  tenantKey,
  tenantPath,
} from 'mikro-orm-multitenancy';
import { TestTenants } from '../support/manager/TestTenants.ts';

describe('tenantPath and tenantKey', () => {
  let tenants: TestTenants;
  let manager: TenantOrmManager;
  beforeAll(async () => {
    tenants = await TestTenants.create(['acme', 'globex']);
    manager = (await tenants.manager()) as TenantOrmManager;
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  it('are those of the innermost tenant', async () => {
    const at = (): string[] => [tenantPath('files', 'a', 'b.png'), tenantKey('a')];
    const acme = [join(resolve('files'), 'acme/a/b.png'), 'acme:a'];
    const globex = [join(resolve('files'), 'globex/a/b.png'), 'globex:a'];
    const seen = await manager.run('acme', async () => [at(), await manager.run('globex', at), at()]);
    expect(seen).toEqual([acme, globex, acme]);
  });

  it('gives the folder itself without a segment', async () => {
    await expect(manager.run('acme', () => tenantPath('/var/files'))).resolves.toBe('/var/files/acme');
  });

  it('needs a tenant', () => {
    expect(() => tenantPath('/var/files', 'a')).toThrow(NoTenantError);
  });

  it.each([
    ['..', 'globex', 'a'],
    ['a/../../globex/a'],
    ['a', '..', '..', 'globex'],
    ['../acme-2'],
    ['/etc/passwd'],
    ['a\0b'],
    ['..\\globex'],
    ['C:\\Windows'],
    [17 as never],
  ])('refuses %p, %p, %p, %p', async (...segments) => {
    await expect(manager.run('acme', () => tenantPath('/var/files', ...segments))).rejects.toThrow(
      TenancyConfigurationError,
    );
  });

  it('takes names with dots that lead nowhere', async () => {
    await expect(manager.run('acme', () => tenantPath('/var/files', '..a', 'b..', '...'))).resolves.toBe(
      '/var/files/acme/..a/b../...',
    );
  });
});
