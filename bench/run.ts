import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';

const FOLDER = import.meta.dirname;
const known = globSync('*.ts', { cwd: FOLDER })
  .map((file) => basename(file, '.ts'))
  .filter((name) => name !== 'run')
  .sort();

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`No benchmark is called ${unknown.join(', ')}. There are: ${known.join(', ')}.`);
  process.exit(1);
}

// Each in a process of its own: neither its heap nor what the compiler learnt reaches another.
for (const name of asked.length > 0 ? asked : known) {
  console.log(`\n── ${name}`);
  const child = spawn(process.execPath, [...process.execArgv, join(FOLDER, `${name}.ts`)], { stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  if (code !== 0) {
    process.exitCode = 1;
  }
}
