import { cpus } from 'node:os';
import { BenchServer } from '../support/BenchServer.ts';
import { assertSameAnswers } from './assertSameAnswers.ts';
import { installPeers, versionOf } from './install.ts';
import { leakScenarios } from './leakScenarios.ts';
import { SERVER_CONNECTIONS } from './plan.ts';
import { report } from './report.ts';
import { type PeerResults, writeResults } from './results.ts';
import { statements } from './tables.ts';
import { tenantCosts } from './tenantCosts.ts';
import { LOAD, TENANTS, throughput } from './throughput.ts';

const PACKAGES = ['typeorm', '@prisma/client', 'drizzle-orm', 'kysely', 'pg'];

/** Each part is recorded as soon as it is known, beside what the others came to before. */
const parts = {
  leaks: async (server: BenchServer) => ({ leaks: await leakScenarios(server) }),
  async costs(server: BenchServer) {
    const databases = await databasesOf(server, 300);
    await assertSameAnswers(server, databases.slice(0, 1));
    return { costs: await tenantCosts(server, databases) };
  },
  async load(server: BenchServer) {
    const databases = await databasesOf(server, Math.max(...TENANTS));
    await assertSameAnswers(server, databases.slice(0, 1));
    const load = [];
    for (const tenants of TENANTS) {
      load.push(...(await throughput(server, databases, tenants)));
    }
    return { load };
  },
} satisfies Record<string, (server: BenchServer) => Promise<Partial<PeerResults>>>;

const made: string[] = [];

/** So many databases, of which later calls get the same. */
async function databasesOf(server: BenchServer, count: number): Promise<readonly string[]> {
  if (made.length < count) {
    made.push(...(await server.createDatabasesBy(statements, count - made.length)));
  }
  return made;
}

const asked = process.argv.slice(2);
const names = Object.keys(parts) as (keyof typeof parts)[];
const unknown = asked.filter((name) => !names.some((part) => part === name));
if (unknown.length > 0) {
  console.error(`No part is called ${unknown.join(', ')}. There are: ${names.join(', ')}.`);
  process.exit(1);
}

installPeers();
const { Utils } = await import('@mikro-orm/core');
await using server = await BenchServer.start(SERVER_CONNECTIONS);
const versions = {
  node: process.versions.node,
  postgres: server.version,
  'mikro-orm': Utils.getORMVersion(),
  ...Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
};
for (const name of names.filter((part) => asked.length === 0 || asked.includes(part))) {
  const found = await parts[name](server);
  writeResults({
    date: new Date().toISOString().slice(0, 10),
    versions,
    cpus: cpus().length,
    settings: { serverConnections: SERVER_CONNECTIONS, ...LOAD },
    ...found,
  });
  report();
}
