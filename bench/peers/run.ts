import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { BenchServer } from '../support/BenchServer.ts';
import { assertSameAnswers } from './assertSameAnswers.ts';
import { installPeers, versionOf } from './install.ts';
import { leakScenarios } from './leakScenarios.ts';
import { SERVER_CONNECTIONS } from './plan.ts';
import { report } from './report.ts';
import { type PeerResults, RESULTS } from './results.ts';
import { statements } from './tables.ts';
import { tenantCosts } from './tenantCosts.ts';
import { LOAD, TENANTS, throughput } from './throughput.ts';

const PACKAGES = ['typeorm', '@prisma/client', 'drizzle-orm', 'kysely', 'pg'];

installPeers();
const { Utils } = await import('@mikro-orm/core');
await using server = await BenchServer.start(SERVER_CONNECTIONS);
const leaks = await leakScenarios(server);
const databases = await server.createDatabasesBy(statements, Math.max(...TENANTS));
await assertSameAnswers(server, databases.slice(0, 1));
const costs = await tenantCosts(server, databases);
const load = [];
for (const tenants of TENANTS) {
  load.push(...(await throughput(server, databases, tenants)));
}
const results: PeerResults = {
  date: new Date().toISOString().slice(0, 10),
  versions: {
    node: process.versions.node,
    postgres: server.version,
    'mikro-orm': Utils.getORMVersion(),
    ...Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
  },
  cpus: cpus().length,
  settings: { serverConnections: SERVER_CONNECTIONS, ...LOAD },
  load,
  costs,
  leaks,
};
const rounded = (_key: string, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(3)) : value);
writeFileSync(join(RESULTS, 'peers.json'), `${JSON.stringify(results, rounded, 2)}\n`);
report();
