import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, dropDatabase, serverUrl, sessionsIn, uniqueName } from '../support/databases.ts';
import { SLACK_MS } from '../support/faults/FaultWorld.ts';
import { until } from '../support/manager/TestTenants.ts';
import { runProgram } from '../support/runProgram.ts';

const CONNECT_TIMEOUT_MS = 400;
const CLOSE_TIMEOUT_MS = 200;

describe('a resolver that does not answer', () => {
  const database = uniqueName('fault_dns');
  beforeAll(() => createDatabase(database));
  afterAll(() => dropDatabase(database));

  it('is waited for up to `connectTimeoutMs`, is no matter of another server, and keeps nothing open', async () => {
    const { stdout } = await runProgram('faults/dnsStallProgram.ts', [serverUrl(), database]);
    const report = JSON.parse(stdout);
    expect(report.sound).toEqual(Array.from({ length: 20 }, () => 'served'));
    expect(report.refused).toHaveLength(10);
    for (const message of report.refused) {
      expect(message).toContain(`no answer within ${CONNECT_TIMEOUT_MS} ms`);
    }
    expect(report.refusedAfterMs).toBeLessThan(CONNECT_TIMEOUT_MS + SLACK_MS);
    // Three failures until the server counts as down, and two of the tenant under way by then.
    expect(report.lookups).toBeLessThanOrEqual(3 + 2);
    expect(report.again).toBe('served');
    expect(report.connections).toMatchObject({ opening: 0, closing: 0, inUse: 0, waiting: 0, idle: 1 });
    expect(report.closedAfterMs).toBeLessThan(CLOSE_TIMEOUT_MS + SLACK_MS);
    expect(report.late).not.toBe('served');
    const none = { opening: 0, idle: 0, inUse: 0, closing: 0, waiting: 0 };
    expect(report.left).toMatchObject({
      leases: 0,
      servers: { stalled: { requests: none }, sound: { requests: none } },
    });
    await until(async () => (await sessionsIn([database])) === 0, 'a session is left');
  });
});
