/** Why a connection was closed. */
export type CloseCause = 'stolen' | 'idle' | 'expired' | 'broken' | 'not reusable' | 'ended';

/** What the budget counts: one socket. */
export interface BudgetedConnection {
  /** Resolves to whether the server still answers on it; never rejects, never hangs. */
  check(): Promise<boolean>;
  /** Resolves when the socket is closed; never rejects, never hangs. */
  close(cause: CloseCause): Promise<void>;
  /** Ends a {@link close} that is under way, without any courtesy. */
  cut(): void;
}
