import { hostname } from 'node:os';
import type { PostgresServerStats } from '../../connections/PostgresServer.ts';
import type { Tenant } from '../../tenant/Tenant.ts';
import { type Html, html } from '../html.ts';
import { badge, duration, facts, live, table } from '../parts/elements.ts';
import type { Page, PageParts } from './Page.ts';

/** The PostgreSQL servers as this process has them. Asks no database, so that it is there when they are not. */
export async function serversPage<T extends Tenant>({ manager }: PageParts<T>): Promise<Page> {
  const { servers, central, handles, leases, refused } = manager.stats({ tenants: false });
  const all = [
    ...Object.entries(servers),
    ...(central === undefined ? [] : [['the central database', central] as const]),
  ];
  const away = all.filter(([, { breakers }]) => Object.values(breakers).some((state) => state !== 'closed'));
  const says =
    away.length === 0
      ? 'Every server takes connections.'
      : `Left alone after failures: ${away.map(([name]) => name).join(', ')}.`;
  const rows = all.map(([name, stats]) => row(name, stats));
  return {
    section: 'servers',
    title: 'Servers',
    body: live(
      'servers',
      html`<p class="summary" data-announce>${says}</p>
        ${table({
          caption: `Connections of process ${process.pid} on ${hostname()}`,
          columns: [
            ...['Server', 'State', 'At most', 'In use', 'Idle', 'Opening', 'Waiting', 'Longest wait'],
            ...['Refused so far', 'For migrations', 'At most'],
          ],
          rows,
          empty: 'there is no server.',
        })}
        ${facts([
          ['Open tenants', handles.open],
          ['Opening', handles.opening],
          ['With a lease', handles.leased],
          ['Leases', leases],
        ])}
        ${table({
          caption: 'Requests that got no tenant, since this process began',
          columns: ['Code', 'Requests'],
          rows: Object.entries(refused),
          empty: 'there was none.',
        })}`,
    ),
  };
}

function row(name: string, { requests, reserved, breakers }: PostgresServerStats) {
  return [
    name,
    html`${Object.entries(breakers).map(([route, state = 'closed']) => breaker(route, state))}`,
    requests.limit,
    requests.inUse,
    requests.idle,
    requests.opening,
    requests.waiting,
    duration(requests.longestWaitMs),
    requests.refused,
    reserved.inUse,
    reserved.limit,
  ];
}

function breaker(route: string, state: string): Html {
  const words: Readonly<Record<string, string>> = { open: 'left alone', 'half-open': 'being tried' };
  const isFine = state === 'closed';
  return html`<span>${badge(`${route}: ${isFine ? 'fine' : (words[state] ?? state)}`, isFine ? 'good' : 'bad')}</span> `;
}
