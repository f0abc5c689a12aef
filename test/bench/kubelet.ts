/** Plays all nodes: traffic pods serve, rehearsals load, and what is to go goes. It adds no time of its own. */
import type { Bench, Loose } from "../cluster/operator-bench.ts";
import { NAMESPACE } from "../cluster/operator-bench.ts";
import { rehearse, serve } from "../cluster/operator-kubelet.ts";
import { watch } from "./watch.ts";

const LANES = 4;
const HEARTBEAT_MS = 5_000;
/** The node that operator-kubelet.ts binds pods to. */
const NODE = "nowhere";
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;

/** What the exporter's snapshots hold, see `exported` of bed.ts; the gateway that loads one counts the same. */
export const COUNTS = { routes: 40, services: 1, upstreams: 0 };

export async function startKubelet(bench: Bench): Promise<{ stop(): void }> {
  const beat = await startNode(bench);
  const done = new Set<string>();
  const queue: (() => Promise<void>)[] = [];
  let running = 0;
  const next = () => {
    while (running < LANES) {
      const work = queue.shift();
      if (!work) return;
      running += 1;
      // A pod that went away meanwhile needs nothing more.
      void work()
        .catch(() => undefined)
        .finally(() => {
          running -= 1;
          next();
        });
    }
  };
  const once = (id: string, work: () => Promise<void>) => {
    if (done.has(id)) return;
    done.add(id);
    queue.push(work);
    next();
  };
  const watching = watch(
    bench.controlPlane.kubeconfigPath,
    `${PODS}?labelSelector=holdfast.dev/group`,
    ({ type, object }) => {
      if (type !== "ADDED" && type !== "MODIFIED") return;
      const { uid, name, labels, deletionTimestamp } = object["metadata"];
      if (deletionTimestamp) once(`${uid} gone`, () => forceDelete(bench, name));
      else if (labels["holdfast.dev/role"] === "traffic") once(uid, () => serve(bench, object));
      else if (labels["holdfast.dev/role"] === "rehearsal") once(uid, () => rehearse(bench, object as Loose, COUNTS));
    },
  );
  return {
    stop: () => {
      clearInterval(beat);
      watching.stop();
    },
  };
}

/** Pods of a node that does not exist are collected as garbage, those of one that is silent are marked not ready. */
async function startNode({ api }: Bench): Promise<NodeJS.Timeout> {
  const path = "/api/v1/nodes";
  const { code, body } = await api.call("POST", path, { apiVersion: "v1", kind: "Node", metadata: { name: NODE } });
  if (code >= 300) throw new Error(`Cannot create Node ${NODE}: HTTP ${code}: ${body.message}`);
  const beat = () => {
    const at = new Date().toISOString();
    const ready = { type: "Ready", status: "True", reason: "Played", lastHeartbeatTime: at, lastTransitionTime: at };
    return api.call("PATCH", `${path}/${NODE}/status`, { status: { conditions: [ready] } }, MERGE);
  };
  await beat();
  return setInterval(() => void beat().catch(() => undefined), HEARTBEAT_MS);
}
const MERGE = { "content-type": "application/merge-patch+json" };

async function forceDelete(bench: Bench, name: string): Promise<void> {
  await bench.api.call("DELETE", `${PODS}/${name}?gracePeriodSeconds=0`);
}
