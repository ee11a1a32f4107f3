export { fromMikroOrmConfig, type OrmAndServer } from './fromMikroOrmConfig.ts';
export { mikroOrmConfig } from './mikroOrmConfig.ts';
export { type AnyManagerOptions, defineTenancyConfig, type TenancyConfig } from './TenancyConfig.ts';
