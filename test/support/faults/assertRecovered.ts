import { assertClosed, until } from '../manager/TestTenants.ts';
import { settlesWithin } from '../settlesWithin.ts';
import { type FaultWorld, SLACK_MS, WrongTenantError } from './FaultWorld.ts';

const CLOSE_TIMEOUT_MS = 1_000;

/**
 * What must hold after every fault, in the same process: each tenant is served again and only from its own database,
 * nothing is held or waited for, and once the manager is closed neither it, nor the proxy, nor a server has a connection.
 */
export async function assertRecovered(world: FaultWorld, atOnce = 4): Promise<void> {
  await assertServedAgain(world, atOnce);
  await assertNothingLeft(world);
}

/** The first half of {@link assertRecovered}. */
export async function assertServedAgain(world: FaultWorld, atOnce = 4): Promise<void> {
  for (const { id } of world.tenants) {
    await until(() => isServed(world, id), `${id} is not served again`);
  }
  await Promise.all(world.tenants.flatMap(({ id }) => Array.from({ length: atOnce }, () => world.request(id))));
  await assertOwnRowsOnly(world);
  // One may still be opened for somebody who was served by another one meanwhile.
  const isUnderWay = (): boolean => world.requests.closing + world.requests.opening > 0;
  await until(async () => !isUnderWay(), 'a connection is never closed, or never opened');
  const { leases } = world.manager.stats();
  const { inUse, waiting } = world.requests;
  if (leases + inUse + waiting !== 0) {
    throw new Error(`Something is held: ${JSON.stringify(world.manager.stats())}`);
  }
}

/** The second half of {@link assertRecovered}: closes the manager. */
export async function assertNothingLeft(world: FaultWorld): Promise<void> {
  const closed = world.manager.close({ timeoutMs: CLOSE_TIMEOUT_MS });
  await settlesWithin(CLOSE_TIMEOUT_MS + SLACK_MS, closed, 'closing the manager');
  assertClosed(world.manager);
  await until(
    async () => (await world.sessions()) === 0,
    'a server has sessions of tenants after the manager was closed',
  );
  await settlesWithin(
    SLACK_MS,
    world.proxy.when(({ connections }) => connections === 0),
    'the proxy is left by the last client',
  );
}

async function isServed(world: FaultWorld, id: string): Promise<boolean> {
  try {
    await world.request(id);
    return true;
  } catch (error) {
    if (error instanceof WrongTenantError) {
      throw error;
    }
    return false;
  }
}

/** Looks into every database, around the library. */
export async function assertOwnRowsOnly(world: FaultWorld): Promise<void> {
  for (const { id } of world.tenants) {
    const rows = await world.query<{ tenant: string }>(id, 'select distinct tenant from house');
    const owners = rows.map(({ tenant }) => tenant).join();
    if (owners !== id) {
      throw new Error(`The database of ${id} has rows of ${owners}`);
    }
  }
}
