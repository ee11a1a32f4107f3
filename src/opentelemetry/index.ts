export { type InstrumentationOptions, instrumentTenancy, type TenancyInstrumentation } from './instrumentTenancy.ts';
