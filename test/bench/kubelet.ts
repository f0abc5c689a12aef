/** Plays all nodes: traffic pods serve, rehearsals load, and what is to go goes. It adds no time of its own. */
import type { Bench, Loose } from "../cluster/operator-bench.ts";
import { NAMESPACE } from "../cluster/operator-bench.ts";
import { rehearse, serve } from "../cluster/operator-kubelet.ts";
import { watch } from "./watch.ts";

const LANES = 4;
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;

/** What the exporter's snapshots hold, see `exported` of bed.ts; the gateway that loads one counts the same. */
export const COUNTS = { routes: 40, services: 1, upstreams: 0 };

export function startKubelet(bench: Bench): { stop(): void } {
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
  return watch(bench.controlPlane.kubeconfigPath, `${PODS}?labelSelector=holdfast.dev/group`, ({ type, object }) => {
    if (type !== "ADDED" && type !== "MODIFIED") return;
    const { uid, name, labels, deletionTimestamp } = object["metadata"];
    if (deletionTimestamp) once(`${uid} gone`, () => forceDelete(bench, name));
    else if (labels["holdfast.dev/role"] === "traffic") once(uid, () => serve(bench, object));
    else if (labels["holdfast.dev/role"] === "rehearsal") once(uid, () => rehearse(bench, object as Loose, COUNTS));
  });
}

async function forceDelete(bench: Bench, name: string): Promise<void> {
  await bench.api.call("DELETE", `${PODS}/${name}?gracePeriodSeconds=0`);
}
