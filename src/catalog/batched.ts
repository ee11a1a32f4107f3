/** How many keys one question has at most. */
const MAX_BATCH = 500;

interface Asked<V> {
  readonly key: string;
  readonly resolve: (value: V | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers the keys that are asked for in one turn of the event loop into one question: a process that has just started
 * looks up as many tenants at once as it has requests.
 */
export function batched<V>(
  askMany: (keys: readonly string[]) => Promise<readonly V[]>,
  keyOf: (value: V) => string,
): (key: string) => Promise<V | undefined> {
  let waiting: Asked<V>[] = [];

  async function answer(batch: readonly Asked<V>[]): Promise<void> {
    try {
      const found = await askMany(batch.map(({ key }) => key));
      const byKey = new Map(found.map((value) => [keyOf(value), value]));
      for (const { key, resolve } of batch) {
        resolve(byKey.get(key));
      }
    } catch (error) {
      for (const { reject } of batch) {
        reject(error);
      }
    }
  }

  function askAll(): void {
    const all = waiting;
    waiting = [];
    for (let from = 0; from < all.length; from += MAX_BATCH) {
      void answer(all.slice(from, from + MAX_BATCH));
    }
  }

  return (key) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) {
        setImmediate(askAll);
      }
      waiting.push({ key, resolve, reject });
    });
}
