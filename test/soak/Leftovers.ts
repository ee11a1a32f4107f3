import { setTimeout as pause } from 'node:timers/promises';
import type { TenantOrmManagerStats } from 'mikro-orm-multitenancy';
import type { SoakManager } from './SoakWorld.ts';

/** What keeps the event loop alive, by kind: sockets, servers, timers, processes. */
export type Resources = Readonly<Record<string, number>>;

export function activeResources(): Resources {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** What is there more than before, once what is about to go has gone. */
export function resourcesLeft(before: Resources): Promise<Resources> {
  return settledAt(
    () => beyond(before),
    (more) => Object.keys(more).length === 0,
  );
}

function beyond(before: Resources): Resources {
  const more = Object.entries(activeResources()).map(([kind, count]) => [kind, count - (before[kind] ?? 0)] as const);
  return Object.fromEntries(more.filter(([, count]) => count > 0));
}

const GRACE_MS = 2_000;
const LOOK_EVERY_MS = 20;

/** What is still too much after the other side of each socket had a moment to hear of its end. Gives the last one. */
async function settledAt<R>(look: () => R | Promise<R>, isNothing: (found: R) => boolean): Promise<R> {
  const deadline = performance.now() + GRACE_MS;
  let found = await look();
  while (!isNothing(found) && performance.now() < deadline) {
    await pause(LOOK_EVERY_MS);
    found = await look();
  }
  return found;
}

/** What is left where nothing may be: of a manager that is closed, of its sessions, and of this process. */
export interface Leftovers {
  readonly handles: number;
  readonly leases: number;
  readonly connections: number;
  readonly waiting: number;
  readonly sessions: number;
  readonly resources: Resources;
}

export async function leftoversOf(
  managers: readonly Pick<SoakManager, 'stats'>[],
  sessions: () => Promise<number>,
): Promise<Omit<Leftovers, 'resources'>> {
  const stats = managers.map((manager) => manager.stats());
  const sum = (of: (one: TenantOrmManagerStats) => number): number => stats.reduce((all, one) => all + of(one), 0);
  return {
    handles: sum(({ handles }) => handles.open + handles.opening),
    leases: sum(({ leases }) => leases),
    connections: sum((one) =>
      budgetsOf(one).reduce((all, { opening, open, closing }) => all + opening + open + closing, 0),
    ),
    waiting: sum((one) => budgetsOf(one).reduce((all, { waiting }) => all + waiting, 0)),
    sessions: await settledAt(sessions, (count) => count === 0),
  };
}

function budgetsOf({ servers, central }: TenantOrmManagerStats) {
  return [...Object.values(servers), ...(central === undefined ? [] : [central])].flatMap(({ requests, reserved }) => [
    requests,
    reserved,
  ]);
}

export function isEmpty({ resources, ...counts }: Leftovers): boolean {
  return Object.keys(resources).length === 0 && Object.values(counts).every((count) => count === 0);
}
