/** What every client of one Redis would share. */
export class SharedStore {
  readonly #entries = new Map<string, string>();

  get(key: string): unknown {
    const json = this.#entries.get(key);
    return json === undefined ? undefined : JSON.parse(json);
  }

  set(key: string, value: unknown): void {
    this.#entries.set(key, JSON.stringify(value));
  }
}

/** What a reader of acme and then one of globex got by the same query, as a leak. */
export async function leakOf(read: (tenant: string) => Promise<string | undefined>): Promise<string | undefined> {
  await read('acme');
  const name = await read('globex');
  return name === 'globex 1' ? undefined : `globex reads "${name}"`;
}
