import { countsOf, type FleetReport } from './FleetRun.ts';
import type { RunLedger } from './RunLedger.ts';

export async function reportOf(ledger: RunLedger, recorded: boolean): Promise<FleetReport> {
  const items = await ledger.items();
  const { run } = await ledger.progress();
  return { ...run, recorded, counts: countsOf(items.map(({ state }) => state)), items };
}
