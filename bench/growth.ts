import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { BenchServer } from './support/BenchServer.ts';
import { entities } from './support/entities.ts';
import type { GrowthMeasurement, GrowthOptions } from './support/growthProgram.ts';
import { reportGrowth } from './support/growthReport.ts';
import { median } from './support/measure.ts';
import { exponentOf, type Point, perOneMore } from './support/powerLaw.ts';
import { record, type Series } from './support/results.ts';

const TENANTS = [10, 100, 300, 1_000, 10_000];
/** As many as the largest fleet whose status is read. Those of 10 000 tenants would fill 75 GB. */
const DATABASES = 300;
const ROUNDS = 3;

/** The last one is what each tenant adds where all of them are in the value, as a unit and how many are in one of it. */
const measured: readonly (readonly [keyof GrowthMeasurement, string, string, (readonly [string, number])?])[] = [
  ['heapMb', 'heap of the tenants', 'MB', ['KB', 1_024]],
  ['rssMb', 'resident memory of the tenants', 'MB', ['KB', 1_024]],
  ['baseHeapMb', 'heap with one tenant', 'MB'],
  ['openUs', 'opening a handle, with its row of the catalogue', 'µs'],
  ['warmP50Ms', 'warm request, p50', 'ms'],
  ['warmP99Ms', 'warm request, p99', 'ms'],
  ['coldP50Ms', 'cold request, p50', 'ms'],
  ['statusMs', 'fleet.status()', 'ms', ['µs', 1_000]],
  ['catalogReadMs', 'first read of the catalogue', 'ms', ['µs', 1_000]],
  ['pollMs', 'poll of the catalogue', 'ms'],
];

async function measure(options: GrowthOptions): Promise<GrowthMeasurement> {
  const child = fork(join(import.meta.dirname, 'support/growthProgram.ts'), [JSON.stringify(options)]);
  const exited = once(child, 'exit');
  const failed = exited.then(() => Promise.reject(new Error(`The process of ${options.tenants} tenants failed`)));
  failed.catch(() => {});
  const [measurement] = (await Promise.race([once(child, 'message'), failed])) as [GrowthMeasurement];
  await exited;
  return measurement;
}

await using server = await BenchServer.start(100);
const databases = await server.createDatabases({ entities: entities(10), rowsPerTable: 5, count: DATABASES });
const rounds = new Map<number, GrowthMeasurement[]>(TENANTS.map((tenants) => [tenants, []]));
for (let round = 0; round < ROUNDS; round += 1) {
  // In turns, so that whatever else the machine does hits all sizes alike.
  for (const tenants of TENANTS) {
    const central = `bench_growth_${process.pid}_${round}_${tenants}`;
    rounds.get(tenants)?.push(await measure({ url: server.url, tenants, databases, central }));
    await server.drop(central);
  }
}

const series: Series[] = measured.map(([key, what, unit, each]) => {
  const points = TENANTS.flatMap((tenants): Point[] => {
    const values = (rounds.get(tenants) ?? []).flatMap((measurement) => measurement[key] ?? []);
    return values.length === 0 ? [] : [[tenants, median(values)]];
  });
  const law = { what, unit, points, exponent: exponentOf(points) };
  return each === undefined ? law : { ...law, each: { value: perOneMore(points) * each[1], unit: each[0] } };
});

record('growth', {
  question: 'What does one more tenant cost, from ten to ten thousand of them?',
  peer:
    `nobody; ${DATABASES} tenants have a database of their own, further ones a row of the catalogue and an open handle, ` +
    `but no database, so that status stops at ${DATABASES}. Medians of ${ROUNDS} processes for each size`,
  figures: [],
  series,
  postgres: server.version,
});
reportGrowth();
