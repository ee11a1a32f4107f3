export type { TenantJobData } from '../jobs/jobData.ts';
export { TenancyJobs, type TenancyJobsOptions, type TenancyWorkOptions } from './TenancyJobs.ts';
export { TenantBoss, type TenantJobContext } from './TenantBoss.ts';
