/** Which of `count` tenants the next request is for. */
export type Traffic = () => number;

/** Every tenant equally often. */
export function uniform(count: number): Traffic {
  return () => Math.floor(Math.random() * count);
}

/** The tenant at rank r is asked for in proportion to 1 / r, as customers of a product are. */
export function zipf(count: number): Traffic {
  const cumulative: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= count; rank += 1) {
    sum += 1 / rank;
    cumulative.push(sum);
  }
  return () => firstAbove(cumulative, Math.random() * sum);
}

/** The index of the first of these ascending values that is above `value`, by bisection. */
function firstAbove(values: readonly number[], value: number): number {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((values[middle] ?? 0) > value) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}
