import { libsqlDatabases } from 'mikro-orm-multitenancy/libsql';
import { describeManager } from '../../support/files/managerCases.ts';
import { LibsqlWorld } from '../../support/libsql/LibsqlWorld.ts';

describeManager({
  name: 'libSQL',
  databasesOf: (folder) => libsqlDatabases({ folder }),
  // A tenant's file is open once in any case.
  create: ({ most, acquireTimeoutMs, ...options }) =>
    LibsqlWorld.create({ ...options, files: { maxOpen: most, acquireTimeoutMs } }),
});
