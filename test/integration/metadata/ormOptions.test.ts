import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { EntityCaseNamingStrategy, MetadataProvider } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { relations } from '../../support/metadata/defineEntityLibrary.ts';
import { describeCases } from '../../support/metadata/describeCases.ts';
import { relationCases } from '../../support/metadata/relationCases.ts';
import { ThreeTenants } from '../../support/metadata/ThreeTenants.ts';

class AppEntityManager extends EntityManager {}

const unusual = {
  ...relations.orm,
  entityManager: AppEntityManager,
  schema: 'library',
  namingStrategy: EntityCaseNamingStrategy,
  forceEntityConstructor: true,
  forceUndefined: true,
  forceUtcTimezone: false,
  timezone: '+02:00',
  loadStrategy: 'select-in',
  flushMode: 'commit',
} as const;

describeCases('relations with unusual options', { orm: unusual, model: relations.model }, relationCases);

describe('a cache of metadata', () => {
  const folders: string[] = [];
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

  it.each(['asked for', 'wanted by the metadata provider'])('is used by the template only, %s', async (how) => {
    const cacheDir = await mkdtemp(join(tmpdir(), 'metadata-cache-'));
    folders.push(cacheDir);
    class CachingProvider extends MetadataProvider {
      static override useCache(): boolean {
        return true;
      }

      override useCache(): boolean {
        return true;
      }
    }
    const metadataCache = { enabled: true, options: { cacheDir } };
    const own = how === 'asked for' ? { metadataCache } : { metadataProvider: CachingProvider };
    const tenants = await ThreeTenants.create({ ...relations.orm, ...own, baseDir: cacheDir }, 'shared');
    try {
      expect(tenants.warnings).toEqual([]);
      expect(await tenants.manager.run('tenant-b', (em) => em.count(relations.model.Author))).toBe(0);
    } finally {
      await tenants.drop();
    }
  });
});
