/** The operator ends and starts again, and nothing has changed. */
import { setTimeout as sleep } from "node:timers/promises";
import { NAMESPACE } from "../cluster/operator-bench.ts";
import { until } from "../lab/process.ts";
import { type Bed, stopwatch } from "./bed.ts";
import type { Result } from "./report.ts";

const LIMIT_MS = 300_000;
const LOOK_MS = 100;
const AFTER_MS = 15_000;
const LISTED = [
  "/apis/holdfast.dev/v1alpha1/namespaces/%/gatewaygroups",
  "/apis/holdfast.dev/v1alpha1/namespaces/%/fallbackstorages",
  "/apis/apps/v1/namespaces/%/deployments",
  "/apis/apps/v1/namespaces/%/replicasets",
  "/api/v1/namespaces/%/pods",
  "/api/v1/namespaces/%/services",
  "/api/v1/namespaces/%/configmaps",
  "/api/v1/namespaces/%/serviceaccounts",
  "/apis/policy/v1/namespaces/%/poddisruptionbudgets",
  "/apis/networking.k8s.io/v1/namespaces/%/networkpolicies",
];

export async function restart(bed: Bed): Promise<Result> {
  await bed.untilQuiet();
  const groups = bed.names.length;
  const listSeconds = await listAll(bed);
  await bed.operator.stop();
  const fromMs = Date.now();
  const from = performance.now();
  await bed.operator.start();
  const lap = stopwatch(bed);
  const since = () => (performance.now() - from) / 1000;
  const servesAfter = since();
  const ask = async (done: (metrics: string) => boolean) => {
    await until("restarted", async () => done(await bed.metrics()), LIMIT_MS, LOOK_MS);
    return since();
  };
  const leadsAfter = await ask((metrics) => metrics.includes("\nholdfast_leader 1"));
  const doneAfter = await ask((metrics) => looked(metrics) >= groups);
  const { cpuSeconds } = lap();
  await sleep(AFTER_MS);
  const writes = bed.writes(fromMs);
  for (const write of writes) console.log(`  restart: ${write.verb} ${write.resource} ${write.name} ${write.code}`);
  return {
    title: "Restart with nothing changed",
    how: `The process gets SIGTERM and starts again. Reconciled: every group was decided on once, on full facts (its store was read, its control plane asked); seen in /metrics, looked at each ${LOOK_MS} ms. The start of Node.js and the loading of the program are in it. Writes are counted until ${AFTER_MS / 1000} s later. Reference: one plain LIST after the other of all that the operator caches.`,
    rows: [
      { what: "process started -> serves /readyz", groups, value: servesAfter, unit: "s" },
      { what: "process started -> leads", groups, value: leadsAfter, unit: "s" },
      {
        what: "process started -> all reconciled once",
        groups,
        value: doneAfter,
        unit: "s",
        reference: { what: "plain LISTs", value: listSeconds },
        wanted: "2 s with 1,000",
      },
      { what: "CPU after /readyz", groups, value: cpuSeconds, unit: "CPU s" },
      { what: "writes, Lease apart", groups, value: writes.length, unit: "", wanted: "0" },
    ],
  };
}

const looked = (metrics: string): number => metrics.match(/^holdfast_group_mode\{.*mode="Normal"\} 1$/gm)?.length ?? 0;

async function listAll({ bench: { api } }: Bed): Promise<number> {
  const from = performance.now();
  for (const path of LISTED) await api.call("GET", path.replace("%", NAMESPACE));
  return (performance.now() - from) / 1000;
}
