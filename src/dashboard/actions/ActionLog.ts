import type { DashboardAction } from './Action.ts';

/** What an action is done to. */
export interface ActionSubject {
  readonly action: DashboardAction;
  readonly tenantId: string | undefined;
  readonly runId: string | undefined;
}

export interface LoggedAction extends ActionSubject {
  readonly by: string | undefined;
  readonly beganAt: string;
  readonly state: 'under way' | 'done' | 'failed';
  readonly error: string | undefined;
}

const KEPT = 50;

/**
 * The last actions that were begun from this page, in this process. What goes on after its answer would otherwise fail
 * where nobody looks, as before its first step is written down.
 */
export class ActionLog {
  #entries: readonly LoggedAction[] = [];

  /** The youngest first. */
  get entries(): readonly LoggedAction[] {
    return this.#entries;
  }

  /** Returns what is called at the end of it. */
  add(subject: ActionSubject, by: string | undefined): (error: string | undefined) => void {
    const entry: LoggedAction = {
      ...subject,
      by,
      beganAt: new Date().toISOString(),
      state: 'under way',
      error: undefined,
    };
    this.#entries = [entry, ...this.#entries].slice(0, KEPT);
    return (error) => {
      const over: LoggedAction = { ...entry, state: error === undefined ? 'done' : 'failed', error };
      this.#entries = this.#entries.map((one) => (one === entry ? over : one));
    };
  }
}
