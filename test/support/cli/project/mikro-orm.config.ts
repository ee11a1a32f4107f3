import { mikroOrmConfig } from 'mikro-orm-multitenancy/cli';
import tenancy from './tenancy.config.ts';

export default mikroOrmConfig(tenancy);
