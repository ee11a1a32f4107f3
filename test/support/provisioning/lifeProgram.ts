// Does one thing to a tenant, and kills itself with SIGKILL at the statement of a given number: before it is sent, or as
// soon as it is. Only statements that change something count. Prints their number where it lives to the end.
import { flushCompileCache } from 'node:module';
import { TenantOrmManager } from 'mikro-orm-multitenancy';
import pg from 'pg';
import { type LifeSettings, lifeOptions, lifeProvisioning } from './lifeOptions.ts';

export interface LifeProgram extends LifeSettings {
  /** A method of the manager, and what it is called with. */
  readonly verb: 'provision' | 'clone' | 'move' | 'archive' | 'restore' | 'drop' | 'rename' | 'fillSpares';
  readonly args: readonly unknown[];
  readonly killAt?: number;
  readonly isSent?: boolean;
}

const program = JSON.parse(process.argv[2] ?? '{}') as LifeProgram;
const { verb, args, killAt = 0, isSent = false } = program;

const CHANGES =
  /^\s*(insert|update|delete|create|alter|drop|comment|revoke|grant|commit|copy|truncate|refresh|select (setval|pg_terminate|pg_advisory_unlock))/i;

let statements = 0;
let isCounting = false;
const { query } = pg.Client.prototype;
pg.Client.prototype.query = function counted(this: pg.Client, ...given: unknown[]) {
  const [first] = given;
  const text = typeof first === 'string' ? first : ((first as { readonly text?: string } | undefined)?.text ?? '');
  if (isCounting && CHANGES.test(text)) {
    statements += 1;
    if (statements === killAt) {
      if (isSent) {
        Reflect.apply(query, this, given);
      }
      process.kill(process.pid, 'SIGKILL');
      // The signal may take a moment; nothing more is sent.
      return new Promise(() => {});
    }
  }
  return Reflect.apply(query, this, given);
} as typeof query;

// Who is killed leaves nothing of what he has compiled to those who come after.
flushCompileCache();

const manager = await TenantOrmManager.init(lifeOptions({ ...program, provisioning: lifeProvisioning(program) }));
isCounting = true;
await (manager[verb] as (...given: readonly unknown[]) => Promise<unknown>)(...args);
isCounting = false;
await manager.close();
console.log(JSON.stringify({ statements }));
