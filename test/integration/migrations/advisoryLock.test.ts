import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { MigrationLockTimeoutError } from '../../../src/errors.ts';
import { lockMigrations } from '../../../src/migrations/advisoryLock.ts';
import { createDatabase, dropDatabase, serverUrl, uniqueName } from '../../support/databases.ts';

async function sessionIn(database: string): Promise<pg.Client> {
  const url = new URL(serverUrl());
  url.pathname = `/${database}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  return client;
}

describe('the lock of migrations', () => {
  it('is held by one session of a database until that ends, and is free in every other database', async () => {
    const names = [uniqueName('locked'), uniqueName('free')] as const;
    await Promise.all(names.map((name) => createDatabase(name)));
    const sessions = await Promise.all([names[0], names[0], names[1]].map(sessionIn));
    const [holder, waiting, elsewhere] = sessions as [pg.Client, pg.Client, pg.Client];
    await lockMigrations(holder, 'acme', 1_000);
    await lockMigrations(elsewhere, 'globex', 0);
    const refused = lockMigrations(waiting, 'acme', 0);
    await expect(refused).rejects.toThrow(MigrationLockTimeoutError);
    await expect(refused).rejects.toMatchObject({ tenantId: 'acme' });
    const locked = lockMigrations(waiting, 'acme', 20_000);
    await holder.end();
    await locked;
    await Promise.all([waiting.end(), elsewhere.end()]);
    await Promise.all(names.map((name) => dropDatabase(name)));
  });
});
