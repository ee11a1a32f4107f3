export type Point = readonly [n: number, value: number];

/** The b of `value = a · n^b` that fits best, by least squares over the logarithms: 0 is flat, 1 in proportion. */
export function exponentOf(points: readonly Point[]): number {
  const logs = points.map(([n, value]) => [Math.log(n), Math.log(value)] as const);
  const mean = (of: 0 | 1): number => logs.reduce((sum, log) => sum + log[of], 0) / logs.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const covariance = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return covariance / logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}

/** What each one more adds, from the first point to the last. */
export function perOneMore(points: readonly Point[]): number {
  const [[n0, value0] = [0, 0], [n1, value1] = [1, 0]] = [points[0], points.at(-1)];
  return (value1 - value0) / (n1 - n0);
}
