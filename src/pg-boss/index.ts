export { TenancyJobs, type TenancyJobsOptions, type TenancyWorkOptions } from './TenancyJobs.ts';
