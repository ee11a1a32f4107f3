import { RequestContext, type SqlEntityManager } from '@mikro-orm/postgresql';
import { StaticCatalog, TenantOrmManager } from '../../support/ours.ts';
import type { Layer } from './Layer.ts';
import { mikroOrmModel } from './mikroOrmModel.ts';
import { mikroOrmSpecials, type OpenMikroOrmApp } from './mikroOrmSpecials.ts';

/** Ours. */
const open: OpenMikroOrmApp = async ({ url, databases }, { model: { Person, entities }, ...orm }) => {
  const manager = await TenantOrmManager.init({
    orm: { ...orm, entities } as never,
    server: url,
    catalog: new StaticCatalog(Object.entries(databases).map(([id, database]) => ({ id, database }))),
  });
  const current = (): SqlEntityManager => {
    const em = RequestContext.getEntityManager();
    if (em === undefined) {
      throw new Error('There is no tenant in this context');
    }
    return em as SqlEntityManager;
  };
  return {
    run: (tenant, work) => manager.run(tenant, work),
    request: (tenant, work) => manager.run(tenant, (em) => work(em)),
    add: async (name) => current().insert(Person, { name }),
    names: async () => (await current().find(Person, {})).map(({ name }) => name),
    async addBy(tenant, name) {
      await using lease = await manager.acquire(tenant);
      await lease.orm.em.fork().insert(Person, { name });
    },
    async transaction(tenant, work) {
      await using lease = await manager.acquire(tenant);
      await lease.orm.em.transactional((em) => work((name) => em.insert(Person, { name })));
    },
    closeTenant: (tenant) => manager.evict(tenant),
    close: () => manager.close(),
  };
};

export const layer: Layer = {
  open: (options) => open(options, { model: mikroOrmModel() }),
  specials: mikroOrmSpecials(open),
};
