import { once } from 'node:events';
import { buildApp } from './app.ts';
import { readConfig } from './config.ts';
import type { DatabaseServer } from './DatabaseServer.ts';
import { assertPortFree, close, listen, portOf } from './httpServer.ts';
import { openManager } from './manager.ts';
import { openDatabaseServer } from './openDatabaseServer.ts';
import { buildOperatorsApp } from './operators.ts';
import { prepareTenants } from './prepareTenants.ts';
import { StartError } from './StartError.ts';
import { stopSignal } from './stopSignal.ts';
import { DATABASE_PREFIX, DEMO_TENANTS } from './tenants.ts';
import { welcome } from './welcome.ts';

/** How long requests under way may go on once the application stops, and then their statements. */
const REQUESTS_TIMEOUT_MS = 8_000;
/** Both together stay below the 10 s after which Docker and others kill a process. */
const STATEMENTS_TIMEOUT_MS = 1_000;

let database: DatabaseServer | undefined;

const stopping = stopSignal(() => {
  console.error('Stopped at once; requests under way were cut off.');
  database?.kill();
  process.exit(1);
});

/** Starts one thing after the other, and ends them in the opposite order, also when a later one does not start. */
async function run(): Promise<void> {
  const config = readConfig(process.env);
  await using started = new AsyncDisposableStack();
  await assertPortFree(config);
  database = started.adopt(await openDatabaseServer(config), (server) => server.stop());
  stopping.throwIfAborted();
  const { host, baseDomain, operators } = config;
  const manager = started.adopt(
    await openManager({
      server: database.url,
      centralDatabase: `${DATABASE_PREFIX}central`,
      databasePrefix: DATABASE_PREFIX,
      baseDomain,
    }),
    (it) => it.close({ timeoutMs: STATEMENTS_TIMEOUT_MS }),
  );
  await prepareTenants(manager, DEMO_TENANTS);
  stopping.throwIfAborted();
  const app = buildApp({ manager, baseDomain });
  const server = started.adopt(await listen(app.callback(), config), (http) => close(http, REQUESTS_TIMEOUT_MS));
  let operatorsPort: number | undefined;
  if (operators !== undefined) {
    const pages = buildOperatorsApp({ manager, password: operators.password });
    const listening = await listen(pages.callback(), { host, port: operators.port });
    started.adopt(listening, (http) => close(http, 0));
    operatorsPort = portOf(listening);
  }
  console.log(
    [...database.notes, welcome({ host, baseDomain, port: portOf(server), operatorsPort, tenants: DEMO_TENANTS })].join(
      '\n',
    ),
  );
  if (!stopping.aborted) {
    await once(stopping, 'abort');
  }
  console.log('Stopping: requests under way are finished first. Ctrl-C once more stops at once.');
}

try {
  await run();
} catch (error) {
  if (error !== stopping.reason) {
    console.error(error instanceof StartError ? error.message : error);
    process.exitCode = 1;
  }
}
