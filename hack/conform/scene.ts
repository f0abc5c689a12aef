import { CONTROL_API_KINDS, ETCD_PREFIX } from "../../operator/gateway/api7/facts.ts";
import type { Question } from "./in-pod/asker.mts";
import { CannotAsk } from "./outcome.ts";
import type { Scene } from "./seen.ts";
import type { Watcher } from "./watcher.ts";

/** What a scene could not do is no fact about the gateway; whatever else goes wrong is a fault of this program. */
export async function scene<T>(playIt: () => Promise<T>): Promise<Scene<T>> {
  try {
    return await playIt();
  } catch (error) {
    if (error instanceof CannotAsk) return { notAsked: error.message };
    throw error;
  }
}

const headersOf = (host: string | undefined): { headers?: Record<string, string> } =>
  host === undefined ? {} : { headers: { host } };

export function checkOf({ place }: Watcher, ip: string): Question | undefined {
  const { check } = place.options;
  return check && { url: `http://${ip}:9080${check.path}`, ...headersOf(check.host), timeoutMs: 2_000 };
}

/** By the `count_only` reads of Holdfast's own probe. */
export async function countsOnControlPlane(watcher: Watcher): Promise<Record<string, number | undefined>> {
  const counts: Record<string, number | undefined> = {};
  for (const kind of CONTROL_API_KINDS) {
    const count = await watcher.order<number | null>({ do: "count", prefix: `${ETCD_PREFIX}/${kind}` });
    counts[kind] = count ?? undefined;
  }
  return counts;
}
