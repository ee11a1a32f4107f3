import { Configuration } from '@mikro-orm/core';
import type { AbstractSqlConnection, Options } from '@mikro-orm/postgresql';
import { messageOf, TenancyConfigurationError } from '../errors.ts';
import type { OrmPool } from './OrmKind.ts';

/**
 * Throws `TenancyConfigurationError` for a driver that does not connect through the pool of `driverOptions`. Only our
 * pool proves that it reached the tenant's database, so no fallback could keep such a driver's tenants apart.
 */
export async function assertConnectsThroughPool(configure: (pool: OrmPool) => Options): Promise<void> {
  let isOptionRead = false;
  let isPoolAsked = false;
  const pool: OrmPool = {
    options: {},
    assertOpen: () => {
      isOptionRead = true;
    },
    connect: () => {
      isPoolAsked = true;
      return Promise.reject(new Error('the pool was not asked for a connection'));
    },
    end: () => Promise.resolve(),
  };
  // Not validated: discovery comes later, and says better what is wrong.
  const config = new Configuration({ ...configure(pool), subscribers: [] }, false);
  const connection = config.getDriver().getConnection() as unknown as AbstractSqlConnection;
  let reason = '`driverOptions` was not read';
  try {
    const client = connection.getClient();
    // A driver that did not even read the option would really connect here.
    if (isOptionRead) {
      await client.connection().execute(() => Promise.resolve());
    }
  } catch (error) {
    reason = messageOf(error);
  } finally {
    await connection.close();
  }
  if (!isPoolAsked) {
    throw new TenancyConfigurationError(
      `\`orm.driver\` must connect through \`driverOptions\`, and does not (${reason}): it would choose a database by ` +
        'itself. Leave `createKysely` of its connection as MikroORM has it.',
    );
  }
}
