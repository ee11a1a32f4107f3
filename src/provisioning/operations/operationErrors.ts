import { TenancyError, type TenancyErrorDetails } from '../../errors.ts';
import type { Operation, OperationKind } from './Operation.ts';

/** Somebody else is at work on the tenant, or stopped halfway. Nothing was changed. */
export class TenantOperationUnderwayError extends TenancyError {
  readonly code = 'TENANT_OPERATION_UNDERWAY';
  override readonly status = 409;
  readonly operation: Operation;

  constructor(operation: Operation, wanted: OperationKind) {
    const { kind, tenantId, state, step, error } = operation;
    super(
      state === 'failed'
        ? `Tenant "${tenantId}": its ${kind} stopped at the step "${step}" (${error?.message ?? 'no reason was kept'}), and ` +
            `"${wanted}" cannot begin before that is over. Call \`manager.resumeOperation(id)\` or \`manager.undoOperation(id)\`.`
        : `Tenant "${tenantId}": its ${kind} is under way at the step "${step}". Wait for it; should its process be gone, ` +
            'the same call goes on with it once the lease is over.',
      { tenantId },
    );
    this.operation = operation;
  }
}

/** The tenant's open operation was asked for with other values. Nothing was changed. */
export class OperationRequestError extends TenancyError {
  readonly code = 'OPERATION_REQUEST';
  override readonly status = 409;

  constructor({ kind, tenantId, step }: Operation) {
    super(
      `Tenant "${tenantId}": its ${kind} stopped at the step "${step}" and was asked for with other values. Call it with ` +
        'the same ones, or `manager.undoOperation(id)` first.',
      { tenantId },
    );
  }
}

/** A step failed. What was done so far was taken back, unless `operation` says otherwise. */
export class TenantOperationError extends TenancyError {
  readonly code = 'TENANT_OPERATION_FAILED';
  /** That of the cause, where it is one of this library's errors. */
  override readonly status: number;
  readonly operation: Operation;

  constructor(operation: Operation, why: string, details: TenancyErrorDetails) {
    const { kind, tenantId, state, error } = operation;
    const rest =
      state === 'undone'
        ? 'Everything was taken back.'
        : 'It stands there: `manager.resumeOperation(id)` goes on with it, `manager.undoOperation(id)` takes it back.';
    super(`Tenant "${tenantId}": its ${kind} failed at the step "${error?.step ?? ''}": ${why}. ${rest}`, {
      ...details,
      tenantId,
    });
    this.operation = operation;
    this.status = details.cause instanceof TenancyError ? details.cause.status : 500;
  }
}

/** Another process has taken the operation over, since this one's lease was not renewed in time. It goes on there. */
export class OperationLostError extends TenancyError {
  readonly code = 'OPERATION_LOST';

  constructor(tenantId: string) {
    super(
      `Tenant "${tenantId}": another process has taken over this operation, since this one gave no sign of life in time.`,
      { tenantId },
    );
  }
}

/** There is no open operation of this tenant. */
export class OperationNotFoundError extends TenancyError {
  readonly code = 'OPERATION_NOT_FOUND';

  constructor(tenantId: string, what: string) {
    super(`Tenant "${tenantId}" has no operation to ${what}. \`manager.operations()\` shows what there is.`, {
      tenantId,
    });
  }
}
