// Works on a run, and kills itself with SIGKILL before the statement of a given number is sent. Statements that count are
// those of the ledger and of the tenants' databases. Prints the report where it lives to the end.
import { flushCompileCache } from 'node:module';
import { TenantOrmManager } from 'mikro-orm-multitenancy';
import { TenancyJobs } from 'mikro-orm-multitenancy/pg-boss';
import pg from 'pg';
import { PgBoss } from 'pg-boss';
import { House } from '../manager/TestTenants.ts';
import { FLEET_MIGRATIONS } from './FleetWorld.ts';

export interface FleetProgram {
  readonly server: string;
  readonly central: string;
  /** What the names of the tenants' databases begin with. */
  readonly prefix: string;
  readonly ids: readonly string[];
  /** The run to join or to take back. @default a new one over `ids` */
  readonly joins?: string;
  readonly takesBack?: string;
  /** Works on the jobs of pg-boss in this database, until it is killed. */
  readonly boss?: string;
  readonly killAt?: number;
  readonly allOrNothing?: boolean;
}

const program = JSON.parse(process.argv[2] ?? '{}') as FleetProgram;
const { server, central, prefix, ids, joins, takesBack, boss, killAt = 0, allOrNothing = true } = program;

let statements = 0;
const { query } = pg.Client.prototype;
pg.Client.prototype.query = function counted(this: pg.Client, ...args: unknown[]) {
  const [first] = args;
  const text = typeof first === 'string' ? first : ((first as { readonly text?: string } | undefined)?.text ?? '');
  if (this.database?.startsWith(prefix) === true || text.includes('tenancy_fleet_')) {
    statements += 1;
    if (statements === killAt) {
      process.kill(process.pid, 'SIGKILL');
      // The signal may take a moment; nothing more is sent.
      return new Promise(() => {});
    }
  }
  return Reflect.apply(query, this, args);
} as typeof query;

// Who is killed leaves nothing of what he has compiled to those who come after.
flushCompileCache();

const manager = await TenantOrmManager.init({
  orm: { entities: [House], migrations: { migrationsList: [...FLEET_MIGRATIONS], allOrNothing } },
  server: { url: server, reservedConnections: 4 },
  central: { database: central, server },
});
const work = { leaseMs: 400, concurrency: ids.length > 2 ? 3 : 1 };
if (boss !== undefined) {
  const jobs = new PgBoss(boss);
  await jobs.start();
  await new TenancyJobs(jobs, manager).work(work);
  // Only the signal ends it.
  await new Promise(() => {});
}
const report =
  joins !== undefined
    ? await manager.fleet.join(joins, work)
    : takesBack !== undefined
      ? await manager.fleet.rollback(takesBack, work)
      : await manager.fleet.migrate({ ids, ...work });
await manager.close();
console.log(JSON.stringify({ statements, report }));
