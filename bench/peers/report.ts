import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BarGroup, barChart } from '../support/charts/barChart.ts';
import { digits, tableOf, writeSection } from '../support/markdown.ts';
import type { Verdict } from './leaks/program.ts';
import { OURS } from './plan.ts';
import { type PeerResults, RESULTS, readResults } from './results.ts';
import type { Throughput } from './throughput.ts';

const MARKS: Readonly<Record<Verdict['is'], string>> = { held: 'held', leaked: '**leaks**', 'not applicable': '–' };

const percent = (share: number): string => (share === 0 ? '0' : `${digits(share * 100)} %`);

function loadTable({ load = [] }: PeerResults): string {
  const rows = load.map(({ tenants, side, perSecond, ratio, cpuUs, cpuRatio, p50, p99, errorShare, rssMb }) => [
    String(tenants),
    side,
    digits(perSecond),
    side === OURS ? '' : digits(ratio),
    digits(cpuUs),
    side === OURS ? '' : digits(cpuRatio),
    digits(p50),
    digits(p99),
    percent(errorShare),
    digits(rssMb),
  ]);
  return tableOf(
    ['Tenants', 'Side', 'Answers/s', 'Ours to it', 'CPU, µs', 'It to ours', 'p50, ms', 'p99, ms', 'Errors', 'RSS, MB'],
    rows,
  );
}

function costsTable({ costs = [] }: PeerResults): string {
  const rows = costs.map(({ side, coldP50, coldP95, coldRatio, coldCpuMs, heapKb, rssKb }) => [
    side,
    digits(coldP50),
    digits(coldP95),
    side === OURS ? '' : digits(coldRatio),
    digits(coldCpuMs),
    digits(heapKb),
    digits(rssKb),
  ]);
  return tableOf(
    ['Side', 'Cold, p50, ms', 'Cold, p95, ms', 'It to ours', 'Cold, CPU, ms', 'Heap, KB', 'RSS, KB'],
    rows,
  );
}

function leaksTable({ leaks = [] }: PeerResults): string {
  const sides = Object.keys(leaks[0]?.verdicts ?? {});
  const rows = leaks.map(({ what, verdicts }) => [what, ...sides.map((side) => MARKS[verdicts[side]?.is ?? 'held'])]);
  const count = (side: string, is: Verdict['is']) => leaks.filter(({ verdicts }) => verdicts[side]?.is === is).length;
  const sums = sides.map((side) => `${count(side, 'leaked')} of ${leaks.length - count(side, 'not applicable')}`);
  return tableOf(['Scenario', ...sides], [...rows, ['Leaks, of those that apply', ...sums]]);
}

function picture({ load = [], costs = [] }: PeerResults): string {
  const counts = [...new Set(load.map(({ tenants }) => tenants))];
  const note = ({ perSecond, errorShare, p99 }: Throughput): string =>
    `${digits(perSecond)}/s, p99 ${digits(p99)} ms${errorShare === 0 ? '' : `, ${percent(errorShare)} errors`}`;
  const groups: BarGroup[] = counts.map((tenants) => ({
    title: `${tenants.toLocaleString('en')} tenants: answers a second`,
    bars: load
      .filter((one) => one.tenants === tenants)
      .map((one) => ({ label: one.side, value: one.perSecond, note: note(one), isOurs: one.side === OURS })),
  }));
  groups.push({
    title: 'Heap of a tenant, KB',
    bars: costs.map(({ side, heapKb }) => ({
      label: side,
      value: heapKb,
      note: digits(heapKb),
      isOurs: side === OURS,
    })),
  });
  return barChart('Peers in one run', groups);
}

/** Writes the picture and the tables of bench/README.md from the recorded results. */
export function report(): void {
  const results = readResults();
  const { date, cpus, versions, load = [], costs = [], leaks = [] } = results;
  const software = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const tables = [
    load.length > 0 ? loadTable(results) : 'Answers a second have not been recorded yet.',
    costs.length > 0 ? costsTable(results) : 'What a tenant costs has not been recorded yet.',
    ...(leaks.length > 0 ? [leaksTable(results)] : []),
  ];
  writeFileSync(join(RESULTS, 'peers.svg'), picture(results));
  const measured = `Measured on ${date}, ${cpus} processors: ${software.join(', ')}.`;
  writeSection('peers', [measured, ...tables].join('\n\n'));
}

if (process.argv[1] === import.meta.filename) {
  report();
}
