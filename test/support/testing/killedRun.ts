import { TestTenancy } from 'mikro-orm-multitenancy/testing';
import { SHOP } from './shop.ts';

/** A run of tests with a central database and a tenant, which is killed in the middle. */
const tenancy = await TestTenancy.start({ orm: SHOP, server: process.argv[2] as string, central: {} });
await tenancy.create();
process.kill(process.pid, 'SIGKILL');
