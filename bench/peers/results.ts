import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LeakScenario } from './leakScenarios.ts';
import type { TenantCosts } from './tenantCosts.ts';
import type { Throughput } from './throughput.ts';

export const RESULTS = join(import.meta.dirname, '../results');

export interface PeerResults {
  readonly date: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly cpus: number;
  readonly settings: Readonly<Record<string, number>>;
  readonly load: readonly Throughput[];
  readonly costs: readonly TenantCosts[];
  readonly leaks: readonly LeakScenario[];
}

export function readResults(): PeerResults {
  return JSON.parse(readFileSync(join(RESULTS, 'peers.json'), 'utf8')) as PeerResults;
}
