/** The middle of the values; NaN when there are none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** How long `work` takes, in milliseconds. */
export async function timeOf(work: () => unknown): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/**
 * Times ours and a peer in turns, so that whatever else the machine does hits both alike; who comes first changes, for
 * the second finds the caches of the processor as the first left them. Gives the medians and the median of the ratios
 * ours to peer of each round. Rounds of the warm-up are not counted.
 */
export async function inTurns(
  ours: () => Promise<number>,
  peer: () => Promise<number>,
  { rounds, warmUp }: { readonly rounds: number; readonly warmUp: number },
): Promise<InTurns> {
  const measured: { readonly ours: number; readonly peer: number }[] = [];
  for (let round = -warmUp; round < rounds; round += 1) {
    const early = round % 2 === 0 ? await ours() : undefined;
    const peers = await peer();
    const pair = { ours: early ?? (await ours()), peer: peers };
    if (round >= 0) {
      measured.push(pair);
    }
  }
  return {
    ours: median(measured.map((pair) => pair.ours)),
    peer: median(measured.map((pair) => pair.peer)),
    ratio: median(measured.map((pair) => pair.ours / pair.peer)),
  };
}

export interface InTurns {
  readonly ours: number;
  readonly peer: number;
  readonly ratio: number;
}

/** What `make` leaves on the heap for each of its `count` things, in bytes. They are held until it is known. */
export async function heapOfEach(count: number, make: (index: number) => Promise<unknown>): Promise<number> {
  const before = heapInUse();
  const held: unknown[] = [];
  for (let index = 0; index < count; index += 1) {
    held.push(await make(index));
  }
  const bytes = (heapInUse() - before) / held.length;
  held.length = 0;
  return bytes;
}

/** The heap after everything unused has been collected, in bytes. */
export function heapInUse(): number {
  const { gc } = globalThis;
  if (gc === undefined) {
    throw new Error('Start this with `npm run bench`: it needs node --expose-gc.');
  }
  // Weak references and finalizers need more than one turn.
  gc();
  gc();
  gc();
  return process.memoryUsage().heapUsed;
}
