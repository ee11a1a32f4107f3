import { DefaultLogger, type LogContext, type Logger, type LoggerNamespace, type LoggerOptions } from '@mikro-orm/core';
import { currentTenant } from '../context/TenantContext.ts';

/** Makes MikroORM's logger: what its option `loggerFactory` takes. */
export type LoggerFactory = (options: LoggerOptions) => Logger;

/** Options of {@link tenantLogger}. */
export interface TenantLoggerOptions {
  /** What writes the lines; it finds `tenantId` in the context of each. @default MikroORM's `DefaultLogger` */
  readonly logger?: LoggerFactory | undefined;
  /** Whether the tenant is also put before the `label` of a line, which MikroORM's own loggers print. @default true */
  readonly label?: boolean | undefined;
}

const FOR_TENANT = Symbol('mikro-orm-multitenancy.loggerFor');

/** A factory that can be told whose ORM it makes the logger of. */
type TenantLoggerFactory = LoggerFactory & { readonly [FOR_TENANT]: (tenantId: string) => LoggerFactory };

/**
 * A `loggerFactory` (and `slowQueryLoggerFactory`) for `orm`: each line says which tenant it is of. That is the tenant
 * whose database the ORM works on, wherever it is called from; for other ORMs, the central one's among them, it is the
 * tenant of the async context, if there is one.
 */
export function tenantLogger({ logger = DefaultLogger.create, label = true }: TenantLoggerOptions = {}): LoggerFactory {
  const factoryOf =
    (tenantId: () => string | undefined): LoggerFactory =>
    (options) =>
      new TenantLogger(logger(options), tenantId, label);
  return Object.assign(
    factoryOf(() => currentTenant()?.id),
    { [FOR_TENANT]: (tenantId: string) => factoryOf(() => tenantId) },
  );
}

/** The factories among the options of an ORM that are by {@link tenantLogger}, for this tenant. */
export function loggersFor(tenantId: string, options: LoggerOptionsOfOrm): LoggerOptionsOfOrm {
  const { loggerFactory, slowQueryLoggerFactory } = options;
  return {
    ...(isTenantLogger(loggerFactory) ? { loggerFactory: loggerFactory[FOR_TENANT](tenantId) } : {}),
    ...(isTenantLogger(slowQueryLoggerFactory)
      ? { slowQueryLoggerFactory: slowQueryLoggerFactory[FOR_TENANT](tenantId) }
      : {}),
  };
}

interface LoggerOptionsOfOrm {
  readonly loggerFactory?: LoggerFactory;
  readonly slowQueryLoggerFactory?: LoggerFactory;
}

function isTenantLogger(factory: LoggerFactory | undefined): factory is TenantLoggerFactory {
  return factory !== undefined && FOR_TENANT in factory;
}

class TenantLogger implements Logger {
  readonly #logger: Logger;
  readonly #tenantId: () => string | undefined;
  readonly #label: boolean;

  constructor(logger: Logger, tenantId: () => string | undefined, label: boolean) {
    this.#logger = logger;
    this.#tenantId = tenantId;
    this.#label = label;
  }

  log(namespace: LoggerNamespace, message: string, context?: LogContext): void {
    this.#logger.log(namespace, message, this.#with(context, namespace));
  }

  error(namespace: LoggerNamespace, message: string, context?: LogContext): void {
    this.#logger.error(namespace, message, this.#with(context, namespace));
  }

  warn(namespace: LoggerNamespace, message: string, context?: LogContext): void {
    this.#logger.warn(namespace, message, this.#with(context, namespace));
  }

  logQuery(context: LogContext): void {
    this.#logger.logQuery(this.#with(context) ?? context);
  }

  setDebugMode(debugMode: boolean | LoggerNamespace[]): void {
    this.#logger.setDebugMode(debugMode);
  }

  isEnabled(namespace: LoggerNamespace, context?: LogContext): boolean {
    return this.#logger.isEnabled(namespace, context);
  }

  #with(context: LogContext | undefined, namespace?: LoggerNamespace): LogContext | undefined {
    const tenantId = this.#tenantId();
    if (tenantId === undefined) {
      return context;
    }
    // The label of a deprecation is its number, by which MikroORM's `ignoreDeprecations` knows it.
    if (!this.#label || namespace === 'deprecated') {
      return { ...context, tenantId };
    }
    return { ...context, tenantId, label: context?.label === undefined ? tenantId : `${tenantId} ${context.label}` };
  }
}
