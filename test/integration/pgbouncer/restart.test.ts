import { expect, it } from '@jest/globals';
import { serverUrl } from '../../support/databases.ts';
import { assertNothingLeft, assertServedAgain } from '../../support/faults/assertRecovered.ts';
import { FaultWorld } from '../../support/faults/FaultWorld.ts';
import { Load } from '../../support/faults/Load.ts';
import { until } from '../../support/manager/TestTenants.ts';
import { describeWithPgBouncer } from '../../support/pgbouncer/describeWithPgBouncer.ts';
import { PgBouncer } from '../../support/pgbouncer/PgBouncer.ts';
import { settlesWithin } from '../../support/settlesWithin.ts';

describeWithPgBouncer('a pooler', () => {
  const through = (pooler: PgBouncer) =>
    FaultWorld.create({ faulty: { url: pooler.url, directUrl: serverUrl(), session: { statementTimeoutMs: 20_000 } } });

  it('that is killed and started again is used again in the same process, and others notice nothing', async () => {
    await using pooler = await PgBouncer.start(serverUrl());
    await using world = await through(pooler);
    const load = await Load.start(world);
    for (let round = 0; round < 3; round += 1) {
      await pooler.kill();
      await load.failed('acme', 'globex');
      await load.served('initech', 'umbrella');
      await pooler.start();
      await load.served('acme', 'globex');
    }
    expect(await load.complaints()).toEqual([]);
    await assertServedAgain(world);
    await world.manager.close();
    await until(async () => (await pooler.console('show clients')).length === 1, 'the pooler has clients of ours');
    // Its sessions keep the name of their last client.
    await pooler.kill();
    await assertNothingLeft(world);
  });

  it('with a statement under way does not keep the manager from closing, and the statement is cancelled', async () => {
    await using pooler = await PgBouncer.start(serverUrl());
    await using world = await through(pooler);
    const running = world.run('acme', (em) => em.execute('select pg_sleep(60)'));
    const failed = expect(running).rejects.toThrow();
    const active = "select 1 from pg_stat_activity where datname = current_database() and query like '%pg_sleep(60)%' ";
    const isActive = `${active} and state = 'active' and pid <> pg_backend_pid()`;
    await until(async () => (await world.query('acme', isActive)).length === 1, 'the statement does not run');
    await settlesWithin(300 + 1_500, world.manager.close({ timeoutMs: 300 }), 'closing the manager');
    await failed;
    await until(async () => (await world.query('acme', isActive)).length === 0, 'the statement goes on');
    await pooler.kill();
    await assertNothingLeft(world);
  });
});
