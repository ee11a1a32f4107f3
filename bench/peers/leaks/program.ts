// A process of `bench:peers`: tries every scenario with one layer, and says what each came to.
import type { AppOptions, Layer, Leak } from './Layer.ts';
import { type Scenario, scenarios } from './scenarios.ts';
import { World } from './World.ts';

export interface Verdict {
  readonly is: 'held' | 'leaked' | 'not applicable';
  readonly how?: string | undefined;
}

async function verdictOf(scenario: Scenario, layer: Layer, world: World): Promise<Verdict> {
  const { attempt, misled } = scenario;
  await world.reset();
  if (typeof attempt === 'string') {
    const special = layer.specials[attempt];
    return special === undefined ? { is: 'not applicable' } : worded(await special(world));
  }
  await using misleading = await misled?.(world);
  let app: Awaited<ReturnType<Layer['open']>>;
  try {
    app = await layer.open(misleading ?? world.options);
  } catch (error) {
    if (misled === undefined) {
      throw error;
    }
    // Refused before anything was done.
    return { is: 'held', how: (error as Error).message };
  }
  try {
    return worded(await attempt(app, world));
  } finally {
    await app.close().catch(() => {});
  }
}

const worded = (how: Leak): Verdict => (how === undefined ? { is: 'held' } : { is: 'leaked', how });

const { is, ...options } = JSON.parse(process.argv[2] ?? '') as AppOptions & { readonly is: string };
const { layer } = (await import(`./${is}.ts`)) as { readonly layer: Layer };
const world = new World(options);
const verdicts: Record<string, Verdict> = {};
for (const scenario of scenarios) {
  try {
    verdicts[scenario.id] = await verdictOf(scenario, layer, world);
  } catch (error) {
    throw new Error(`${is}, ${scenario.id}: the scenario itself failed`, { cause: error });
  }
}
process.send?.(verdicts, () => process.exit());
