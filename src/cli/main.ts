#!/usr/bin/env node
import { EXIT } from './CliIo.ts';
import { runCli } from './runCli.ts';

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interrupted.signal.aborted) {
      process.exit(EXIT.interrupted);
    }
    process.stderr.write('\nWhat is under way is finished first. Once more to leave at once.\n');
    interrupted.abort();
  });
}
const { stdin, stdout, stderr, env } = process;
const io = { stdin, stdout, stderr, env, cwd: process.cwd(), signal: interrupted.signal };
process.exitCode = await runCli(process.argv.slice(2), io);
// A pipe that nobody writes to any more would hold the process.
stdin.unref?.();
