// Outlives the process that started a server, PostgreSQL or another one, in this folder, and ends what that one left: no handler runs on kill -9.
import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const GRACE_MS = 10_000;
const [folder, pidName] = process.argv.slice(2);
const pidFile = join(folder, pidName);

// The pipe ends when its writer is gone, however that happened.
for await (const _ of process.stdin);

const giveUpAt = Date.now() + GRACE_MS;
while (existsSync(pidFile) && Date.now() < giveUpAt && quit(Number(readFileSync(pidFile, 'utf8').split('\n')[0]))) {
  await pause(50);
}
await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });

/** SIGQUIT: PostgreSQL ends at once, and its workers with it. False if there is no such process any more. */
function quit(pid) {
  // While initdb runs the file has a negative number, which would be a group of processes for `kill`.
  if (!(pid > 0)) {
    return true;
  }
  try {
    return process.kill(pid, 'SIGQUIT');
  } catch (error) {
    if (error.code === 'ESRCH') {
      return false;
    }
    throw error;
  }
}
