/** npm passes a Ctrl-C on to a process that the terminal has told already; what follows so soon is the same one. */
const SAME_KEY_MS = 500;

/** Aborts at the first SIGINT (Ctrl-C), SIGTERM or SIGHUP. `force` is called for one that comes later. */
export function stopSignal(force: () => void): AbortSignal {
  const controller = new AbortController();
  let abortedAt = 0;
  const onSignal = (): void => {
    if (!controller.signal.aborted) {
      abortedAt = performance.now();
      controller.abort();
    } else if (performance.now() - abortedAt > SAME_KEY_MS) {
      force();
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, onSignal);
  }
  process.on('uncaughtException', (error) => {
    console.error(error);
    process.exitCode = 1;
    controller.abort();
  });
  return controller.signal;
}
