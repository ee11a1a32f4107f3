import { heapBytes, Samples } from './Samples.ts';

export interface LoopOptions {
  readonly count: number;
  readonly atOnce: number;
  /** How many samples are taken, at times in which nothing is under way. */
  readonly samples: number;
  readonly work: (n: number) => Promise<void>;
}

/** The same work again and again, and what the heap and the process grew by. */
export async function loop({ count, atOnce, samples, work }: LoopOptions) {
  const [heap, rss] = [new Samples(), new Samples()];
  const each = Math.ceil(count / samples);
  const startedAt = performance.now();
  for (let done = 0; done < count; ) {
    const until = Math.min(count, done + each);
    let next = done;
    const worker = async (): Promise<void> => {
      while (next < until) {
        next += 1;
        await work(next - 1);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    done = until;
    // A turn for what was told to close.
    await new Promise((resolve) => setImmediate(resolve));
    heap.add(done, heapBytes());
    rss.add(done, process.memoryUsage.rss());
  }
  return { heap, rss, perSecond: Math.round((count * 1_000) / (performance.now() - startedAt)) };
}
