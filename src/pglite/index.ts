export type { PgliteFolders } from './PgliteFolders.ts';
export type { PgliteOptions } from './PgliteOptions.ts';
export { pgliteDatabases } from './pgliteDatabases.ts';
