export type { TenantJobData } from '../jobs/jobData.ts';
export { type BullQueue, type Capturing, TenantQueue } from './TenantQueue.ts';
export { type TenantJob, type TenantJobContext, tenantProcessor } from './tenantProcessor.ts';
