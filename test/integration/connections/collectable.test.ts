import { describe, expect, it } from '@jest/globals';
import { serverUrl } from '../../support/databases.ts';
import { TestTenants } from '../../support/manager/TestTenants.ts';
import { runProgram } from '../../support/runProgram.ts';

describe('what a request made', () => {
  // Node.js 22 keeps the async context of a promise in the promise itself; Node.js 24 can be told to do the same.
  it.each([[[]], [['--no-async-context-frame']]])(
    'can be collected while the connection that it opened idles (%j)',
    async (nodeOptions) => {
      await using tenants = await TestTenants.create(['acme']);
      const args = [serverUrl(), tenants.databaseOf('acme')];
      const { stdout } = await runProgram('connections/collectableProgram.ts', args, ['--expose-gc', ...nodeOptions]);
      expect(JSON.parse(stdout)).toEqual({ alive: 0, of: 27, idle: expect.any(Number), hasGc: true });
      expect(JSON.parse(stdout).idle).toBeGreaterThan(0);
    },
  );
});
