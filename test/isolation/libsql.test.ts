import { describeFiles } from '../support/files/fileCases.ts';
import { describeIsolation } from '../support/kinds/isolationCases.ts';
import { LibsqlWorld } from '../support/libsql/LibsqlWorld.ts';

describeIsolation('tenants with a file of libSQL each', (options) => LibsqlWorld.create(options), 10);
describeFiles('libSQL', (options) => LibsqlWorld.create(options));
