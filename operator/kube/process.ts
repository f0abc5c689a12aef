import type { Log } from "../log.ts";
import type { KubeClient } from "./client.ts";
import { type Clock, fullJitterMs, sleep } from "./clock.ts";

/**
 * Waits until the API server answers. A process that crashed instead would be held back by the kubelet's growing
 * restart delay, up to 5 minutes, just when it is needed.
 * @returns false when `signal` aborted first
 */
export async function waitForApiServer(
  client: KubeClient,
  clock: Clock,
  log: Log,
  signal: AbortSignal,
): Promise<boolean> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      const { gitVersion } = await client.version({ signal });
      log.info("API server answers", { version: gitVersion });
      return true;
    } catch (error) {
      if (signal.aborted) break;
      log.warn("waiting for the API server", { attempt, error });
      await sleep(clock, 500 + fullJitterMs(clock, attempt, 500, 15_000), signal);
    }
  }
  return false;
}

/** What nobody caught means that the state of this process is unknown: no write may follow (pitfall N7). */
export function exitOnUncaught(log: Log, gate: { close(why: string): void }): void {
  const die = (kind: string) => (error: unknown) => {
    gate.close(kind);
    log.error("uncaught error, exiting", { kind, error });
    process.exit(1);
  };
  process.on("uncaughtException", die("uncaughtException"));
  process.on("unhandledRejection", die("unhandledRejection"));
}
