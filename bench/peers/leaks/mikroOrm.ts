import { MikroORM, RequestContext, type SqlEntityManager } from '@mikro-orm/postgresql';
import { Handles } from './Handles.ts';
import type { Layer } from './Layer.ts';
import { mikroOrmModel } from './mikroOrmModel.ts';
import { mikroOrmSpecials, type OpenMikroOrmApp } from './mikroOrmSpecials.ts';

/** A plain MikroORM for each tenant, with the middleware of MikroORM's documentation. */
const open: OpenMikroOrmApp = async (options, { model: { Person, entities }, ...orm }) => {
  const handles = new Handles<MikroORM>(
    options,
    (clientUrl) => MikroORM.init({ ...orm, entities, clientUrl }),
    (opened) => opened.close(),
  );
  const current = (): SqlEntityManager => {
    const em = RequestContext.getEntityManager();
    if (em === undefined) {
      throw new Error('There is no tenant in this context');
    }
    return em as SqlEntityManager;
  };
  return {
    run: async (tenant, work) => RequestContext.create((await handles.of(tenant)).em, work),
    request: async (tenant, work) => RequestContext.create((await handles.of(tenant)).em, () => work(current())),
    add: async (name) => current().insert(Person, { name }),
    names: async () => (await current().find(Person, {})).map(({ name }) => name),
    addBy: async (tenant, name) => (await handles.of(tenant)).em.fork().insert(Person, { name }),
    transaction: async (tenant, work) =>
      (await handles.of(tenant)).em.transactional((em) => work((name) => em.insert(Person, { name }))),
    closeTenant: (tenant) => handles.closeTenant(tenant),
    close: () => handles.close(),
  };
};

export const layer: Layer = {
  open: (options) => open(options, { model: mikroOrmModel() }),
  specials: mikroOrmSpecials(open),
};
