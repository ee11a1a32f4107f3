import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { RawConnection } from '../test/support/koa/RawConnection.ts';
import { BenchServer } from './support/BenchServer.ts';
import { median } from './support/measure.ts';
import { HOSTS, type RefusalServerOptions, type RefusalServerPorts, SITUATIONS } from './support/refusalServer.ts';
import { type Figure, record } from './support/results.ts';

const ROUNDS = { floor: 500, none: 2_000 };
const WARM_UP = 200;
/** How far from tossing a coin. With 500 rounds, chance alone stays within it in 99 of 100 runs. */
const TOLERANCE = 0.05;

type Case = keyof typeof HOSTS;

/** How long each kind of refusal takes at the client, in microseconds, in turns of changing order. */
async function timesOf(port: number, rounds: number): Promise<Record<Case, number[]>> {
  using connection = new RawConnection(port);
  const times: Record<Case, number[]> = { missing: [], foreign: [], suspended: [] };
  const cases = Object.keys(times) as Case[];
  for (let round = -WARM_UP; round < rounds; round += 1) {
    // Another one begins each time, and every second time they come in the other direction.
    const first = Math.floor(Math.random() * cases.length);
    const turned = [...cases.slice(first), ...cases.slice(0, first)];
    for (const which of round % 2 === 0 ? turned : turned.reverse()) {
      const request = `GET / HTTP/1.1\r\nHost: ${HOSTS[which]}.example.com\r\nAccept: application/json\r\n\r\n`;
      const startedAt = performance.now();
      const { status } = await connection.exchange(request);
      const tookUs = (performance.now() - startedAt) * 1_000;
      if (status !== 404) {
        throw new Error(`${which} was answered with ${status}`);
      }
      if (round >= 0) {
        times[which].push(tookUs);
      }
    }
  }
  return times;
}

/** Of all pairs of one time of each, those in which `ours` is the longer one: 0.5 when nothing can be told. */
function longerOf(ours: readonly number[], peer: readonly number[]): number {
  let longer = 0;
  for (const one of ours) {
    for (const other of peer) {
      longer += one > other ? 1 : one === other ? 0.5 : 0;
    }
  }
  return longer / (ours.length * peer.length);
}

function figuresOf(what: string, times: Record<Case, number[]>, hasFloor: boolean): Figure[] {
  return (['suspended', 'foreign'] as const).flatMap((which) => {
    const [ours, peer] = [median(times[which]), median(times.missing)];
    const told = longerOf(times[which], times.missing);
    const aim = hasFloor ? { aim: { is: `0.5 ± ${TOLERANCE}`, met: Math.abs(told - 0.5) <= TOLERANCE } } : {};
    const name = `${which === 'foreign' ? "somebody else's" : 'suspended'}, ${what}`;
    return [
      { what: name, unit: 'µs', ours, peer, ratio: ours / peer },
      { what: `${name}: longer of two`, unit: 'of pairs', ours: told, ...aim },
    ];
  });
}

await using server = await BenchServer.start(50);
const options: RefusalServerOptions = { url: server.url, central: `bench_${process.pid}_central` };
const child = fork(join(import.meta.dirname, 'support/refusalServer.ts'), [JSON.stringify(options)]);
const [ports] = (await once(child, 'message')) as [RefusalServerPorts];
const figures: Figure[] = [];
for (const floor of ['none', 'floor'] as const) {
  for (const situation of SITUATIONS) {
    const times = await timesOf(ports[floor][situation] ?? 0, ROUNDS[floor]);
    figures.push(
      ...figuresOf(`${situation}, ${floor === 'floor' ? 'by default' : 'refusalFloorMs: 0'}`, times, floor === 'floor'),
    );
  }
}
const exited = once(child, 'exit');
child.disconnect();
await exited;
await server.drop(options.central);

record('refusalTiming', {
  question:
    "Can a client tell by a stopwatch a tenant that is suspended, or somebody else's, from one that is not there?",
  peer: 'the 404 for a tenant that does not exist, on the same connection in turns',
  figures,
  postgres: server.version,
});
