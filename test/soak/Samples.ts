const MB = 1024 * 1024;

/** How a figure grows, by least squares over its samples. */
export interface Growth {
  readonly samples: number;
  readonly first: number;
  readonly last: number;
  /** By how much for each step of `x`. */
  readonly slope: number;
  /** By how much from the first to the last of them, by that slope. */
  readonly grown: number;
}

/** Figures over something that goes on, as requests do. */
export class Samples {
  readonly #points: { readonly x: number; readonly y: number }[] = [];

  add(x: number, y: number): void {
    this.#points.push({ x, y });
  }

  /** Without the first part, in which caches fill and code is compiled. */
  growth(warmUp: number): Growth {
    const points = this.#points.slice(Math.floor(this.#points.length * warmUp));
    const mean = (of: (point: { x: number; y: number }) => number): number =>
      points.reduce((sum, point) => sum + of(point), 0) / points.length;
    const [meanX, meanY] = [mean(({ x }) => x), mean(({ y }) => y)];
    const products = mean(({ x, y }) => (x - meanX) * (y - meanY));
    const squares = mean(({ x }) => (x - meanX) ** 2);
    const slope = squares === 0 ? 0 : products / squares;
    return {
      samples: points.length,
      first: points[0]?.y ?? Number.NaN,
      last: points.at(-1)?.y ?? Number.NaN,
      slope,
      grown: slope * ((points.at(-1)?.x ?? 0) - (points[0]?.x ?? 0)),
    };
  }
}

/** Bytes on the heap, after everything that nobody refers to has gone. */
export function heapBytes(): number {
  const { gc } = globalThis;
  if (gc === undefined) {
    throw new Error('Start this by its npm script: it needs node --expose-gc.');
  }
  // What weak references and finalizers held goes with the second.
  gc();
  gc();
  return process.memoryUsage().heapUsed;
}

export const inMb = (bytes: number): number => Math.round((bytes / MB) * 10) / 10;
