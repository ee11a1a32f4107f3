import { readFileSync } from 'node:fs';
import { type Command, CommanderError } from 'commander';
import { Cli } from './Cli.ts';
import { type CliIo, EXIT, UsageError } from './CliIo.ts';
import { Output } from './Output.ts';
import { globalsOf, programOf } from './program.ts';

/** Runs `tenants` with these arguments. Gives the exit code; rejects for nothing. */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  let code: number = EXIT.ok;
  const program = programOf(version(), async (command, work) => {
    const cli = new Cli(io, globalsOf(command));
    const given = await work(cli);
    code = typeof given === 'number' ? given : EXIT.ok;
  });
  quietly(program, io);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    }
    if (io.signal.aborted && (error as { readonly name?: unknown }).name === 'AbortError') {
      return EXIT.interrupted;
    }
    new Output(io, args.includes('--json')).failure(error);
    return error instanceof UsageError ? EXIT.usage : EXIT.failed;
  }
}

/** Commander ends the process by itself, and prints by itself, unless each command is told otherwise. */
function quietly(command: Command, io: CliIo): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => io.stdout.write(text),
    writeErr: (text) => io.stderr.write(text),
    getOutHasColors: () => io.stdout.isTTY === true && io.env['NO_COLOR'] === undefined,
    getErrHasColors: () => io.stderr.isTTY === true && io.env['NO_COLOR'] === undefined,
  });
  for (const one of command.commands) {
    quietly(one, io);
  }
}

function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { readonly version: string }).version;
}
