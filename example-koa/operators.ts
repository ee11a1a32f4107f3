import Koa from 'koa';
import { type DashboardActionEvent, dashboard } from 'mikro-orm-multitenancy/dashboard';
import { tenancyMetrics } from 'mikro-orm-multitenancy/prometheus';
import { Registry } from 'prom-client';
import { answerErrors } from './answerErrors.ts';
import { basicLogin, type LoginState } from './basicLogin.ts';
import type { HouseManager } from './manager.ts';

export interface OperatorsOptions {
  readonly manager: HouseManager;
  readonly password: string;
  /** Hears of what operators do, before it is done and at its end. @default a line of JSON on stdout */
  readonly audit?: (event: DashboardActionEvent) => void;
}

/**
 * What those who run the service see, as an application of its own: on another port than the tenants, so that no page of a
 * tenant has the same origin, and a firewall can tell them apart.
 */
export function buildOperatorsApp({ manager, password, audit = printed }: OperatorsOptions): Koa<LoginState> {
  const register = new Registry();
  tenancyMetrics(manager, { register });
  const app = new Koa<LoginState>();
  app.use(answerErrors);
  app.use(basicLogin(password));
  app.use(async (ctx, next) => {
    if (ctx.path !== '/metrics') {
      return next();
    }
    ctx.type = register.contentType;
    ctx.body = await register.metrics();
  });
  app.use(
    dashboard(manager, {
      title: 'Houses',
      authorize: (ctx) => ctx.state.operator !== undefined,
      actor: (ctx) => ctx.state.operator,
      onAction: audit,
      details: ({ name, plan }) => ({ Name: name, Plan: plan }),
    }),
  );
  return app;
}

function printed(event: DashboardActionEvent): void {
  console.log(JSON.stringify({ at: new Date().toISOString(), ...event }));
}
