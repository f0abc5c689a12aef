/** All groups created at once: how long until every child and every status is in place, and what it costs. */
import { setTimeout as sleep } from "node:timers/promises";
import { APPLY } from "../cluster/api-server.ts";
import { type Loose, NAMESPACE } from "../cluster/operator-bench.ts";
import type { AuditedWrite } from "../lab/audit.ts";
import { until } from "../lab/process.ts";
import { type Bed, LANES, stopwatch } from "./bed.ts";
import type { Result, Row } from "./report.ts";
import { inParallel } from "./stats.ts";

const LIMIT_MS = 600_000;
const OTHER = "reference";
const GROUPS = "/apis/holdfast.dev/v1alpha1/namespaces/%/gatewaygroups";
const KINDS = [
  ["v1", "ConfigMap", "/api/v1/namespaces/%/configmaps"],
  ["v1", "ServiceAccount", "/api/v1/namespaces/%/serviceaccounts"],
  ["v1", "Service", "/api/v1/namespaces/%/services"],
  ["policy/v1", "PodDisruptionBudget", "/apis/policy/v1/namespaces/%/poddisruptionbudgets"],
  ["networking.k8s.io/v1", "NetworkPolicy", "/apis/networking.k8s.io/v1/namespaces/%/networkpolicies"],
  ["apps/v1", "Deployment", "/apis/apps/v1/namespaces/%/deployments"],
  ["holdfast.dev/v1alpha1", "GatewayGroup", GROUPS],
] as const;
type Kind = (typeof KINDS)[number];
const within = (path: string, namespace: string) => path.replace("%", namespace);

/** Creates the groups of a new bed; with the reference, when it was asked for. */
export async function creation(bed: Bed, wanted: boolean): Promise<Result> {
  const fromMs = Date.now();
  const lap = stopwatch(bed);
  await inParallel(bed.names, LANES, (name) => bed.group(name));
  const appliedSeconds = (Date.now() - fromMs) / 1000;
  await until("every group has a status", async () => (await settled(bed)) === bed.names.length, LIMIT_MS, 500);
  await until(
    "every group has its children",
    async () => (await deployments(bed)) === 2 * bed.names.length,
    LIMIT_MS,
    500,
  );
  const { cpuSeconds } = lap();
  await sleep(3_000);
  const writes = bed.writes(fromMs);
  const endMs = inPlace(writes);
  const rows: Row[] = [];
  const groups = bed.names.length;
  const seconds = (endMs - fromMs) / 1000;
  const reference = wanted ? await applyTheSame(bed) : undefined;
  const beside = (value: number | undefined) =>
    reference && value !== undefined ? { reference: { what: "a plain loop of applies", value } } : {};
  const made = writes.filter(isChild).length;
  rows.push(
    { what: "all children and status in place", groups, value: seconds, unit: "s", ...beside(reference?.seconds) },
    { what: "of it until the last group was applied", groups, value: appliedSeconds, unit: "s" },
    {
      what: "operator CPU, until then (to half a second)",
      groups,
      value: cpuSeconds,
      unit: "CPU s",
      ...beside(reference?.cpuSeconds),
    },
    { what: "writes of children", groups, value: made, unit: "", ...beside(reference?.writes) },
    { what: "writes of status", groups, value: writes.filter(isStatus).length, unit: "" },
    { what: "events", groups, value: writes.filter((write) => write.resource === "events").length, unit: "" },
    { what: "writes that were refused", groups, value: writes.filter(({ code }) => code >= 400).length, unit: "" },
  );
  return {
    title: "Creation",
    how: `All GatewayGroups are applied at once, ${LANES} at a time, to an operator that leads. In place: the last child was written and every group has its first status (audit log of the API server). The controllers make the Deployments' pods meanwhile, and the bench applies: all on the same cores. Reference: a plain loop without any operator, ${LANES} at a time over one connection pool, server-side applies the same GatewayGroups and the same children into an empty namespace of the same API server; its CPU is that of the bench.`,
    rows,
  };
}

const isStatus = (write: AuditedWrite) => write.resource === "gatewaygroups/status";
const isChild = (write: AuditedWrite) => !isStatus(write) && write.resource !== "events" && write.code < 400;

function inPlace(writes: readonly AuditedWrite[]): number {
  const firstStatus = new Map<string, number>();
  for (const write of writes.filter(isStatus))
    if (write.code < 400 && !firstStatus.has(write.name)) firstStatus.set(write.name, write.at.getTime());
  return Math.max(...firstStatus.values(), ...writes.filter(isChild).map((write) => write.at.getTime()));
}

async function list(bed: Bed, [, , path]: Kind, query = ""): Promise<Loose[]> {
  const { body } = await bed.bench.api.call("GET", `${within(path, NAMESPACE)}${query}`);
  return body.items;
}

/** The last child of a group is a Deployment. */
const deployments = async (bed: Bed) => (await list(bed, KINDS[5], "?labelSelector=holdfast.dev/group")).length;

async function settled(bed: Bed): Promise<number> {
  const groups = await list(bed, KINDS[6]);
  return groups.filter(({ metadata, status }) => status?.observedGeneration === metadata.generation).length;
}

/** The floor: the same objects, applied by a loop that knows them all. The operator stands still meanwhile. */
async function applyTheSame(bed: Bed): Promise<{ seconds: number; cpuSeconds: number; writes: number }> {
  const { api } = bed.bench;
  const objects: { path: string; object: Loose }[] = [];
  for (const kind of KINDS) {
    const query = kind[1] === "GatewayGroup" ? "" : "?labelSelector=holdfast.dev/group";
    const path = within(kind[2], OTHER);
    for (const live of await list(bed, kind, query)) objects.push({ path, object: bare(kind, live) });
  }
  await bed.operator.stop();
  await api.call("POST", "/api/v1/namespaces", { metadata: { name: OTHER } });
  // Groups first, as a user does; then group by group, as an operator does.
  const groups = objects.filter(({ object }) => object["kind"] === "GatewayGroup");
  const children = objects
    .filter(({ object }) => object["kind"] !== "GatewayGroup")
    .sort((a, b) => (a.object["metadata"].name < b.object["metadata"].name ? -1 : 1));
  const apply = async ({ path, object }: (typeof objects)[number]) => {
    const { name } = object["metadata"];
    const { code, body } = await api.call("PATCH", `${path}/${name}?fieldManager=reference&force=true`, object, APPLY);
    if (code >= 300) throw new Error(`Cannot apply ${object["kind"]} ${name}: HTTP ${code}: ${body.message}`);
  };
  const from = performance.now();
  const cpuFrom = process.cpuUsage();
  await inParallel(groups, LANES, apply);
  await inParallel(children, LANES, apply);
  const seconds = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage(cpuFrom);
  await removeAgain(bed);
  await bed.operator.start();
  await until("it leads again", async () => (await bed.metrics()).includes("\nholdfast_leader 1"), LIMIT_MS);
  return { seconds, cpuSeconds: (user + system) / 1e6, writes: children.length };
}

function bare([apiVersion, kind]: Kind, live: Loose): Loose {
  const { name, labels, annotations } = live["metadata"];
  const { "deployment.kubernetes.io/revision": _, ...kept } = annotations ?? {};
  const { managedFields: _m, status: _s, metadata: _d, ...content } = live;
  const { clusterIP: _c, clusterIPs: _cs, healthCheckNodePort: _h, ...spec } = content["spec"] ?? {};
  return {
    ...content,
    apiVersion,
    kind,
    metadata: { name, ...(labels && { labels }), annotations: kept },
    ...(content["spec"] && { spec }),
  };
}

async function removeAgain({ bench: { api } }: Bed): Promise<void> {
  const path = `/api/v1/namespaces/${OTHER}`;
  await api.call("DELETE", path);
  await until("the reference is gone", async () => (await api.call("GET", path)).code === 404, LIMIT_MS, 1_000);
  await sleep(5_000);
}
