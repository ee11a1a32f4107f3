/** Why the application cannot start, in words for the person who started it. Shown without a stack. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
