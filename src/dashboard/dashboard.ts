import type { Context, Middleware } from 'koa';
import { TenancyError } from '../errors.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { ActionLog } from './actions/ActionLog.ts';
import { confirm } from './actions/confirm.ts';
import { Performer } from './actions/Performer.ts';
import { assetAt } from './assets/assets.ts';
import type { DashboardManager } from './DashboardManager.ts';
import { checkDashboardOptions, type DashboardOptions } from './DashboardOptions.ts';
import { Links } from './Links.ts';
import { ownPath, segmentsOf } from './ownPath.ts';
import { messagePage } from './pages/messagePage.ts';
import { operationsPage } from './pages/operationsPage.ts';
import type { Page, PageParts } from './pages/Page.ts';
import { runPage } from './pages/runPage.ts';
import { runsPage } from './pages/runsPage.ts';
import { serversPage } from './pages/serversPage.ts';
import { tenantPage } from './pages/tenantPage.ts';
import { tenantsPage } from './pages/tenantsPage.ts';
import { RunCounts } from './RunCounts.ts';
import { SECURITY_HEADERS, sendPage } from './sendPage.ts';
import { TenantVersions } from './TenantVersions.ts';

/** How long a page waits for versions that it does not know yet. */
const WAIT_FOR_VERSIONS_MS = 1_000;

/**
 * Koa middleware with the pages for those who operate the tenants, to be mounted at a path or to be given a `prefix`. Put
 * it before `tenancy`: it is no tenant's. Throws `TenancyConfigurationError` for options of a wrong kind.
 */
export function dashboard<T extends Tenant>(manager: DashboardManager<T>, options: DashboardOptions<T>): Middleware {
  const checked = checkDashboardOptions(options);
  const log = new ActionLog();
  const performer = new Performer(checked, log);
  const runCounts = new RunCounts(manager.fleet);
  const versions = new TenantVersions({
    status: (of) => manager.fleet.status(of),
    servers: () => new Set(Object.keys(manager.stats({ tenants: false }).servers)),
    events: manager.events,
    ttlMs: checked.versionTtlMs,
    waitMs: WAIT_FOR_VERSIONS_MS,
  });
  return async (ctx: Context, next) => {
    const own = ownPath(ctx, checked.prefix);
    if (own === undefined) {
      return next();
    }
    // Whoever may not know of it is answered as by an application without it: nothing is set before.
    if ((await checked.authorize(ctx)) !== true) {
      return;
    }
    ctx.set(SECURITY_HEADERS);
    const asset = assetAt(own.path);
    if (asset !== undefined) {
      ctx.set('Cache-Control', 'private, max-age=31536000, immutable');
      ctx.type = asset.type;
      ctx.body = asset.text;
      return;
    }
    const links = new Links(own.base);
    const query = new URLSearchParams(ctx.querystring);
    const parts = { manager, options: checked, versions, runCounts, log, links, query };
    const answer = await answered(ctx, parts, performer, own.path);
    if ('at' in answer) {
      // Seen with GET, so that nobody does it twice by reloading.
      ctx.status = 303;
      ctx.set('Cache-Control', 'no-store');
      ctx.redirect(links.to(answer.at));
      return;
    }
    const { title, refreshIntervalMs } = checked;
    sendPage(ctx, answer, { links, title, refreshIntervalMs });
  };
}

const NOT_HERE = messagePage(404, 'Not here', 'There is no such page.');

/** Of errors that are no request's elsewhere. */
const STATUSES: Readonly<Record<string, number>> = Object.freeze({
  FLEET_RUN_NOT_FOUND: 404,
  FLEET_NOT_RECORDED: 404,
  FLEET_RUN_STATE: 409,
  OPERATION_NOT_FOUND: 409,
});

async function answered<T extends Tenant>(
  ctx: Context,
  parts: PageParts<T>,
  performer: Performer<T>,
  path: string,
): Promise<Page | { readonly at: string }> {
  try {
    const [kind, id, name, ...rest] = segmentsOf(path) ?? ['/'];
    const isAction = rest.length === 0 && parts.options.actions.some((one) => one === name);
    if (isAction && name !== undefined && id !== undefined && (kind === 'tenants' || kind === 'runs')) {
      return await confirm(ctx, parts, performer, [kind, id, name]);
    }
    const isRead = ctx.method === 'GET' || ctx.method === 'HEAD';
    return (name === undefined && isRead ? await pageAt(parts, kind, id) : undefined) ?? NOT_HERE;
  } catch (error) {
    if (error instanceof TenancyError) {
      const status = STATUSES[error.code] ?? error.status;
      // What is no server's error is for who asked; the rest is for a log as well.
      if (status >= 500) {
        ctx.app.emit('error', error, ctx);
      }
      return messagePage(status, status === 404 ? 'Not here' : 'That did not work', error.message);
    }
    throw error;
  }
}

async function pageAt<T extends Tenant>(
  parts: PageParts<T>,
  kind: string | undefined,
  id: string | undefined,
): Promise<Page | undefined> {
  if (id !== undefined) {
    const one = { tenants: tenantPage<T>, runs: runPage<T> };
    return kind === 'tenants' || kind === 'runs' ? one[kind](parts, id) : undefined;
  }
  switch (kind) {
    case undefined:
      return tenantsPage(parts);
    case 'servers':
      return serversPage(parts);
    case 'runs':
      return runsPage(parts);
    case 'operations':
      return operationsPage(parts);
    default:
      return undefined;
  }
}
