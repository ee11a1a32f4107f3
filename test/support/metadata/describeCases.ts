import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TenantOrmOptions } from 'mikro-orm-multitenancy';
import { type Round, type Sharing, ThreeTenants } from './ThreeTenants.ts';

/** What an application may do with one tenant's EntityManager, by the sentence that says so. */
export type Cases<M> = Readonly<Record<string, (model: M, round: Round) => Promise<void>>>;

/** One way to define entities: the options of the ORM, and the classes for the cases. */
export interface Definition<M> {
  readonly orm: TenantOrmOptions;
  readonly model: M;
}

/** Runs every case in three tenants, once over shared metadata and once where each tenant discovers its own. */
export function describeCases<M>(title: string, { orm, model }: Definition<M>, cases: Cases<M>): void {
  describe.each<Sharing>(['shared', 'stock'])(`${title}, %s metadata`, (sharing) => {
    let tenants: ThreeTenants;
    beforeAll(async () => {
      tenants = await ThreeTenants.create(orm, sharing);
    });
    afterAll(() => tenants?.drop());

    it.each(Object.entries(cases))('%s', async (_title, work) => {
      await tenants.through((round) => work(model, round));
    });

    it('passes the self-test without a warning', async () => {
      await tenants.manager.run('tenant-a', () => {});
      expect({ warnings: tenants.warnings, notShared: tenants.notShared }).toEqual({ warnings: [], notShared: [] });
    });

    it('keeps one set of metadata for all tenants exactly when it is shared', async () => {
      await using a = await tenants.manager.acquire('tenant-a');
      await using b = await tenants.manager.acquire('tenant-b');
      expect(a.orm.getMetadata() === b.orm.getMetadata()).toBe(sharing === 'shared');
    });
  });
}
