export { type CatalogUnderTest, type ConformanceCase, catalogConformance } from './catalogConformance.ts';
