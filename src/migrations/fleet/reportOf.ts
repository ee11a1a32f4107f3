import { countsOf, type FleetCounts, type FleetReport } from './FleetRun.ts';
import type { ItemFilter, Progress, RunLedger } from './RunLedger.ts';

export async function reportOf(ledger: RunLedger, recorded: boolean, filter?: ItemFilter): Promise<FleetReport> {
  const items = await ledger.items(filter);
  const { run, states } = await ledger.progress();
  const counts = filter === undefined ? countsOf(items.map(({ state }) => state)) : summed(states);
  return { ...run, recorded, counts, items };
}

function summed(states: Progress['states']): FleetCounts {
  const counts = { ...countsOf([]) };
  for (const { state, count } of states) {
    counts[state] += count;
    counts.tenants += count;
  }
  return counts;
}
