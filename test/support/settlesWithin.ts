/** What `promise` comes to. Rejects with `what` if that takes longer than a test may wait for it. */
export async function settlesWithin<R>(deadlineMs: number, promise: Promise<R>, what: string): Promise<R> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`Not within ${deadlineMs} ms: ${what}`)), deadlineMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
