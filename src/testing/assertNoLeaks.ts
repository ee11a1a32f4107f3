import { AssertionError } from 'node:assert';
import { currentTenant } from '../context/TenantContext.ts';
import type { TenantOrmManagerStats } from '../TenantOrmManager.ts';

/** Whatever goes on after a test: a response that has not been sent, a query nobody awaits. */
const PATIENCE_MS = 2_000;
const LOOK_EVERY_MS = 10;

/** Waits a moment for work that is about to end. Throws an `AssertionError` that names what is held then. */
export async function assertNoLeaks(
  manager: { stats(): TenantOrmManagerStats },
  openTransactions: () => Promise<readonly string[]>,
): Promise<void> {
  const outer = currentTenant();
  if (outer !== undefined) {
    throw new AssertionError({
      message: `expectNoLeaks runs within tenant "${outer.id}". Call it outside of every run.`,
    });
  }
  const deadline = performance.now() + PATIENCE_MS;
  let held = await heldBy(manager, openTransactions);
  while (held.length > 0 && performance.now() < deadline) {
    await new Promise((resolve) => {
      setTimeout(resolve, LOOK_EVERY_MS);
    });
    held = await heldBy(manager, openTransactions);
  }
  if (held.length > 0) {
    throw new AssertionError({
      message: `Something is still held ${PATIENCE_MS} ms after the test:\n${held.map((one) => `- ${one}`).join('\n')}`,
    });
  }
}

async function heldBy(
  manager: { stats(): TenantOrmManagerStats },
  openTransactions: () => Promise<readonly string[]>,
): Promise<string[]> {
  const { leases, servers, central } = manager.stats();
  const budgets = [...Object.entries(servers), ...(central === undefined ? [] : [['central', central] as const])];
  const counts = budgets.flatMap(([name, { requests, reserved }]) =>
    [requests, reserved].flatMap(({ inUse, waiting }) => [
      ...(inUse > 0 ? [`${inUse} connections of the server "${name}" in use`] : []),
      ...(waiting > 0 ? [`${waiting} waiting for a connection of the server "${name}"`] : []),
    ]),
  );
  return [
    ...(leases > 0 ? [`${leases} leases: a run, a request or an \`acquire\` that has not ended`] : []),
    ...counts,
    ...(await openTransactions()).map((one) => `a transaction of ${one}`),
  ];
}
