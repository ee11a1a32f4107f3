import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { BenchServer } from '../support/BenchServer.ts';
import type { Verdict } from './leaks/program.ts';
import { scenarios } from './leaks/scenarios.ts';
import { schema, TENANTS } from './leaks/World.ts';
import { sides } from './plan.ts';

export interface LeakScenario {
  readonly what: string;
  /** By the name of the side. */
  readonly verdicts: Readonly<Record<string, Verdict>>;
}

/** Tries every scenario with every layer, each in a process of its own, for some of them last as long as a process. */
export async function leakScenarios(server: BenchServer): Promise<LeakScenario[]> {
  const [acme, globex, initech] = await server.createDatabasesBy(schema, TENANTS.length);
  const databases = { acme, globex, initech };
  const verdicts = new Map<string, Readonly<Record<string, Verdict>>>();
  for (const { name, is } of sides.filter(({ isCache }) => !isCache)) {
    const child = fork(join(import.meta.dirname, 'leaks/program.ts'), [
      JSON.stringify({ is, url: server.url, databases }),
    ]);
    const failed = once(child, 'exit').then(() => Promise.reject(new Error(`The scenarios of ${name} did not end`)));
    failed.catch(() => {});
    const [all] = (await Promise.race([once(child, 'message'), failed])) as [Readonly<Record<string, Verdict>>];
    verdicts.set(name, all);
    await server.untilNoSessions();
  }
  return scenarios.map(({ id, what }) => ({
    what,
    verdicts: Object.fromEntries([...verdicts].map(([name, all]) => [name, all[id] as Verdict])),
  }));
}
