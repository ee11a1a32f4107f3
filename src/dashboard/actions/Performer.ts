import type { Context } from 'koa';
import { messageOf } from '../../errors.ts';
import type { Tenant } from '../../tenant/Tenant.ts';
import type { CheckedDashboardOptions, DashboardActionEvent } from '../DashboardOptions.ts';
import { shownError } from '../parts/shownError.ts';
import type { Begun, DoneBy } from './Action.ts';
import type { ActionLog, ActionSubject } from './ActionLog.ts';

const LONGEST_NAME = 200;

/** Does what was confirmed, and tells the application of it: before, and at its end. */
export class Performer<T extends Tenant> {
  readonly #options: CheckedDashboardOptions<T>;
  readonly #log: ActionLog;

  constructor(options: CheckedDashboardOptions<T>, log: ActionLog) {
    this.#options = options;
    this.#log = log;
  }

  /** Gives the page to go on with. Rejects with what `onAction` or the beginning of the action rejects with. */
  async perform(ctx: Context, subject: ActionSubject, begin: (by: DoneBy) => Promise<Begun>): Promise<string> {
    const { actor, onAction } = this.#options;
    const by = (await actor?.(ctx))?.slice(0, LONGEST_NAME);
    const told = (state: DashboardActionEvent['state'], error?: string): void | Promise<void> =>
      onAction?.({ ...subject, by, state, error }, ctx);
    await told('begun');
    const settle = this.#log.add(subject, by);
    const end = async (failure: string | undefined): Promise<void> => {
      const error = failure === undefined ? undefined : shownError(failure);
      settle(error);
      try {
        await told(error === undefined ? 'done' : 'failed', error);
      } catch (defect) {
        // The action is over whatever its log says of it.
        ctx.app.emit('error', defect, ctx);
      }
    };
    try {
      const { at, work } = await begin({ by });
      if (work === undefined) {
        await end(undefined);
      } else {
        void work.then(end, (error: unknown) => end(messageOf(error)));
      }
      return at;
    } catch (error) {
      await end(messageOf(error));
      throw error;
    }
  }
}
