export { type CatalogUnderTest, type ConformanceCase, catalogConformance } from './catalogConformance.ts';
export { expectIsolated, type IsolationAnswer, type IsolationOptions } from './expectIsolated.ts';
export { type CentralTestTenancyOptions, TestTenancy, type TestTenancyOptions } from './TestTenancy.ts';
