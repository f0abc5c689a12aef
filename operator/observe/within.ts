/**
 * What `reading` resolves with; what `otherwise` makes of the reason when it rejects, or has not answered when `signal` aborts.
 * A reader may share its question with other groups, so it goes on, and answers a later loop.
 */
export async function within<T>(signal: AbortSignal, reading: Promise<T>, otherwise: (why: string) => T): Promise<T> {
  let giveUp: () => void = () => undefined;
  const late = new Promise<T>((resolve) => {
    giveUp = () => resolve(otherwise("it was not answered in time"));
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) giveUp();
  });
  try {
    return await Promise.race([reading, late]);
  } catch (error) {
    return otherwise(error instanceof Error ? error.message : String(error));
  } finally {
    signal.removeEventListener("abort", giveUp);
    reading.catch(() => undefined); // one that rejects after its time is nobody's news
  }
}
