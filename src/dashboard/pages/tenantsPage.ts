import type { PostgresServerStats } from '../../connections/PostgresServer.ts';
import type { ConnectionCounts } from '../../connections/TenantShare.ts';
import { serverOf, TENANT_STATUSES, type Tenant, type TenantStatus } from '../../tenant/Tenant.ts';
import { findTenants } from '../findTenants.ts';
import { type Html, html } from '../html.ts';
import { facts, live, table } from '../parts/elements.ts';
import { statusBadge, versionBadge } from '../parts/tones.ts';
import type { Page, PageParts } from './Page.ts';

const MOST_DOMAINS = 3;

/** One page of tenants, with what is open and waiting of them in this process. */
export async function tenantsPage<T extends Tenant>(parts: PageParts<T>): Promise<Page> {
  const { manager, options, versions, links, query } = parts;
  const text = (query.get('q') ?? '').trim().toLowerCase().replace(/\.$/, '');
  const status = TENANT_STATUSES.find((one) => one === query.get('status'));
  const after = query.get('after') ?? undefined;
  const found = await findTenants(manager.catalog, { text, status, after, limit: options.tenantsPerPage });
  const known = await versions.of(found.tenants);
  const { servers, handles, leases } = manager.stats({ tenants: true });
  const rows = found.tenants.map((tenant) => {
    const { idle, inUse, waiting } = connectionsOf(tenant, servers);
    const { id, domains = [] } = tenant;
    const report = known.get(id);
    const version = report === undefined || report.state === 'failed' ? undefined : report.version;
    return [
      html`<a href="${links.tenant(id)}">${id}</a>`,
      statusBadge(tenant),
      serverOf(tenant),
      html`${versionBadge(report)} <span class="quiet">${version}</span>`,
      inUse,
      idle,
      waiting,
      domains.length > MOST_DOMAINS
        ? `${domains.slice(0, MOST_DOMAINS).join(', ')} and ${domains.length - MOST_DOMAINS} more`
        : domains.join(', ') || '–',
    ];
  });
  const isSearch = text !== '' || status !== undefined;
  return {
    section: 'tenants',
    title: 'Tenants',
    body: html`
      ${searchForm(links.to('/'), text, status)}
      ${live(
        'tenants',
        html`${facts([
          ['Open tenants', handles.open],
          ['Leases', leases],
          ['Connections in use', sum(servers, ({ inUse }) => inUse)],
          ['Waiting for one', sum(servers, ({ waiting }) => waiting)],
        ])}
        ${table({
          caption: isSearch ? 'Tenants that were found' : 'Tenants by id',
          columns: ['Tenant', 'Status', 'Server', 'Schema', 'In use', 'Idle', 'Waiting', 'Domains'],
          rows,
          empty: found.next === undefined ? 'there is none.' : 'none among those that were looked at. Go on below.',
        })}`,
      )}
      ${pages(links.to('/'), { q: text, status: status ?? '' }, after !== undefined, found.next)}`,
  };
}

function searchForm(action: string, text: string, status: TenantStatus | undefined): Html {
  return html`<form method="get" action="${action}" role="search" class="search">
    <div><label for="q">Beginning of an id, or a whole domain</label>
    <input id="q" name="q" type="search" value="${text}" maxlength="253" autocomplete="off" autocapitalize="none" spellcheck="false"></div>
    <div><label for="status">Status</label>
    <select id="status" name="status"><option value="">any</option>${TENANT_STATUSES.map(
      (one) => html`<option${one === status ? html` selected` : ''}>${one}</option>`,
    )}</select></div>
    <button>Find</button>
  </form>`;
}

function pages(
  address: string,
  search: Readonly<Record<string, string>>,
  isLater: boolean,
  next: string | undefined,
): Html {
  const at = (after: string | undefined): string => {
    const given = Object.entries({ ...search, after: after ?? '' }).filter(([, value]) => value !== '');
    const query = new URLSearchParams(given).toString();
    return query === '' ? address : `${address}?${query}`;
  };
  const first = isLater ? html`<li><a href="${at(undefined)}">First page</a></li>` : '';
  const more = next === undefined ? '' : html`<li><a href="${at(next)}" rel="next">Next page</a></li>`;
  return isLater || next !== undefined ? html`<nav aria-label="More tenants"><ul>${first}${more}</ul></nav>` : html``;
}

const NONE = { inUse: 0, idle: 0, opening: 0, waiting: 0, longestWaitMs: 0, refused: 0 };

/** What this process has open for a tenant. */
export function connectionsOf(
  tenant: Tenant,
  servers: Readonly<Record<string, PostgresServerStats>>,
): Pick<ConnectionCounts, keyof typeof NONE> {
  const { tenants = {} } = servers[serverOf(tenant)] ?? {};
  return Object.hasOwn(tenants, tenant.id) ? (tenants[tenant.id] ?? NONE) : NONE;
}

function sum(
  servers: Readonly<Record<string, PostgresServerStats>>,
  of: (counts: PostgresServerStats['requests']) => number,
): string {
  return Object.values(servers)
    .reduce((total, { requests }) => total + of(requests), 0)
    .toLocaleString('en');
}
