import { TenancyError, type TenancyErrorDetails } from '../../errors.ts';

/** The ledger has no such run. */
export class FleetRunNotFoundError extends TenancyError {
  readonly code = 'FLEET_RUN_NOT_FOUND';

  constructor(runId: string) {
    super(`There is no fleet run "${runId}" in the central database. \`fleet.runs()\` lists them.`);
  }
}

/** Only a run in the ledger can be resumed, retried, joined, rolled back or looked up. */
export class FleetNotRecordedError extends TenancyError {
  readonly code = 'FLEET_NOT_RECORDED';

  constructor(method: string) {
    super(
      `\`fleet.${method}\` needs the ledger, which is in the central database, and there is none. Give the manager ` +
        '`central`, or run `fleet.migrate()` again: it does what is left to do.',
    );
  }
}

/** The run is not in a state for this. Nothing was changed. */
export class FleetRunStateError extends TenancyError {
  readonly code = 'FLEET_RUN_STATE';

  constructor(runId: string, what: string) {
    super(`Fleet run "${runId}" ${what}`);
  }
}

/** What a run applied to this tenant cannot be taken back. Nothing was changed. */
export class FleetRollbackError extends TenancyError {
  readonly code = 'FLEET_ROLLBACK';

  constructor(tenantId: string, what: string, details: Pick<TenancyErrorDetails, 'cause'> = {}) {
    super(`Tenant "${tenantId}": ${what}`, { ...details, tenantId });
  }
}
