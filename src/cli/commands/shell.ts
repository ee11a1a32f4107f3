import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { start } from 'node:repl';
import type { Command } from 'commander';
import type { CliOf } from '../program.ts';

export function addShell(program: Command, cliOf: CliOf): void {
  program
    .command('shell')
    .description('JavaScript in the context of a tenant, with `em`, `tenant`, `orm` and the entities by name')
    .argument('<id>')
    .addHelpText('after', "\nExamples:\n  tenants shell acme\n  echo 'await em.count(House)' | tenants shell acme")
    .action((id: string, _options: object, command: Command) =>
      cliOf(command, (cli) =>
        cli.withManager(async (manager) => {
          await using lease = await manager.acquire(id);
          await lease.run(async (em, tenant) => {
            const { stdin: input, stdout: output } = cli.io;
            const terminal = input.isTTY === true && output.isTTY === true;
            const prompt = terminal ? `${tenant.id}> ` : '';
            const repl = start({
              input,
              output,
              terminal,
              prompt,
              useColors: terminal && cli.io.env['NO_COLOR'] === undefined,
            });
            const entities = [...lease.orm.getMetadata().getAll().values()].map(({ className, class: of }) => [
              className,
              of,
            ]);
            Object.assign(repl.context, Object.fromEntries(entities), { em, tenant, orm: lease.orm, manager });
            // Lines come from the terminal, in no context; what they say is to run in the tenant's, one after the other.
            const inTenant = AsyncLocalStorage.snapshot();
            const evaluate = repl.eval;
            let last = Promise.resolve();
            const inTurn: typeof evaluate = (code, context, file, answer) => {
              last = last.then(
                () =>
                  new Promise((resolve) => {
                    const ended: typeof answer = (error, result) => {
                      answer(error, result);
                      resolve();
                    };
                    inTenant(() => Reflect.apply(evaluate, repl, [code, context, file, ended]));
                  }),
              );
            };
            Object.assign(repl, { eval: inTurn });
            await once(repl, 'exit', { signal: cli.io.signal }).catch(() => repl.close());
            await last;
          });
        }),
      ),
    );
}
