import type { FleetReport } from '../../migrations/fleet/FleetRun.ts';
import type { DashboardManager } from '../DashboardManager.ts';
import type { ActionWords, Begun, DashboardAction } from './Action.ts';

/** An action on a run of migrations. */
export interface RunAction extends ActionWords {
  readonly suits: (run: Pick<FleetReport, 'state' | 'counts'>) => boolean;
  readonly begin: (manager: DashboardManager, runId: string) => Promise<Begun>;
}

const at = (runId: string): string => `/runs/${encodeURIComponent(runId)}`;

const RUN_ACTIONS: readonly RunAction[] = Object.freeze([
  {
    name: 'resume-run',
    label: 'Resume',
    effect: 'The run goes on with the tenants that it has left; where other processes are at it, this one takes part.',
    // Also one that is under way: its processes may be gone.
    suits: ({ state }) => state !== 'finished',
    begin: async (manager, runId) => ({ at: at(runId), work: manager.fleet.resume(runId).then(failureOf) }),
  },
  {
    name: 'retry-run',
    label: 'Retry what failed',
    effect: 'The tenants that failed are tried once more, and the run goes on.',
    suits: ({ state, counts }) => state !== 'running' && counts.failed > 0,
    begin: async (manager, runId) => ({ at: at(runId), work: manager.fleet.retry(runId).then(failureOf) }),
  },
] satisfies readonly RunAction[]);

/** What failed in a run that ended, in a sentence. */
export function failureOf({ items, counts }: FleetReport): string | undefined {
  const [first] = items.flatMap(({ error }) => error ?? []);
  return counts.tenants === 1 || first === undefined ? first?.message : `${counts.failed} tenants failed.`;
}

export function runActions(allowed: readonly DashboardAction[]): readonly RunAction[] {
  return RUN_ACTIONS.filter(({ name }) => allowed.includes(name));
}
