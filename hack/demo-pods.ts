/** Pods that come while the demo runs: how long they take, and that they start from where its table says. */
import type { Json } from "../test/stage/cluster.ts";
import type { Stage } from "../test/stage/stage.ts";
import { sourceOf } from "../test/stage/watch.ts";

export const alive = async (stage: Stage): Promise<Json[]> =>
  (await stage.pods()).filter((pod: Json) => !pod.metadata.deletionTimestamp);

export const isReady = (pod: Json): boolean =>
  pod.status.conditions?.some((c: Json) => c.type === "Ready" && c.status === "True") ?? false;

export const scale = async (stage: Stage, what: string, replicas: number): Promise<void> => {
  await stage.cluster.kubectl("-n", stage.namespace, "scale", what, `--replicas=${replicas}`);
};

/** While there is one, a pod that came from the control plane: those are what an outage is about. */
export const deleteOne = (stage: Stage, old: readonly Json[]): Promise<void> => {
  const victim = old.find((pod) => sourceOf(pod) === "normal") ?? old[0];
  return stage.cluster.delete(stage.namespace, "pods", victim.metadata.name);
};

/**
 * Makes one pod come, by deleting another or by asking for one more; resolves when it is Ready, and only if it started
 * from where it should. `meanwhile` begins when it exists, so that no later pod is taken for it.
 */
export async function onePod(
  stage: Stage,
  source: "normal" | "fallback",
  make: (stage: Stage, old: readonly Json[]) => Promise<void>,
  meanwhile: () => Promise<void> = async () => {},
): Promise<{ seconds: number; readyAt: number }> {
  const old = await alive(stage);
  const uids = new Set(old.map((pod) => pod.metadata.uid));
  const from = performance.now();
  await make(stage, old);
  let uid = "";
  const exists = async () => {
    uid = (await alive(stage)).find((pod) => !uids.has(pod.metadata.uid))?.metadata.uid ?? "";
    return uid !== "";
  };
  await stage.cluster.wait("a new pod", exists, 60);
  await meanwhile();
  let pod: Json;
  const isUp = async () => {
    pod = (await alive(stage)).find((one) => one.metadata.uid === uid);
    return pod !== undefined && isReady(pod);
  };
  await stage.cluster.wait("the new pod is ready", isUp, 120);
  const readyAt = performance.now();
  mustHaveStartedFrom(source, pod);
  return { seconds: (readyAt - from) / 1000, readyAt };
}

/** A row that says where a pod started from stands for a pod that did: else the demo ends here. */
export function mustHaveStartedFrom(source: "normal" | "fallback", pod: Json): void {
  const found = sourceOf(pod);
  if (found === source) return;
  throw new Error(
    `pod ${pod.metadata.name} was to start from its "${source}" configuration, and started from "${found}"`,
  );
}
