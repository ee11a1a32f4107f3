export {
  type TenancyMetrics,
  type TenancyMetricsOptions,
  tenancyMetricNames,
  tenancyMetrics,
} from './tenancyMetrics.ts';
