/** One edit of one group's spec while all else is idle: how long until its Deployment has changed. */
import { setTimeout as sleep } from "node:timers/promises";
import { groupPath, type Loose, NAMESPACE } from "../cluster/operator-bench.ts";
import { until } from "../lab/process.ts";
import type { Bed } from "./bed.ts";
import type { Result } from "./report.ts";
import { percentile } from "./stats.ts";
import { watch } from "./watch.ts";

const EDITS = 50;
const IDLE_MS = 400;
const LIMIT_MS = 60_000;
const GROUP = "edited";
const COPY = "edited-directly";
const DEPLOYMENTS = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;
const MERGE = { "content-type": "application/merge-patch+json" };
const MARK = "bench/edit";

/** A template with this annotation, as the Deployment has it. */
const template = (value: string) => ({ metadata: { annotations: { [MARK]: value } } });

export async function edits(bed: Bed): Promise<Result> {
  const { api, controlPlane } = bed.bench;
  // No pods, no store: an edit rolls nothing and asks for no rehearsal, so that the next one meets an idle cluster.
  await bed.group(GROUP, (spec) => {
    spec["traffic"] = { replicas: 0 };
    spec["backup"] = { enabled: false };
    spec["fallback"] = { storageRef: { name: "none" } };
  });
  const exists = async () => (await api.call("GET", `${DEPLOYMENTS}/${GROUP}`)).code === 200;
  await until("the group to edit is there", exists, LIMIT_MS);
  await bed.untilQuiet();
  await copyOf(bed);
  const seen = new Map<string, number>();
  const watching = watch(controlPlane.kubeconfigPath, DEPLOYMENTS, ({ object, monoMs }) => {
    const value = object["spec"]?.template?.metadata?.annotations?.[MARK];
    const key = `${object["metadata"]?.name} ${value}`;
    if (value !== undefined && !seen.has(key)) seen.set(key, monoMs);
  });
  const one = async (path: string, patch: Loose, key: string): Promise<number> => {
    await sleep(IDLE_MS * (1 + Math.random() / 2)); // in no step with anything that comes at intervals
    const from = performance.now();
    const { code, body } = await api.call("PATCH", path, patch, MERGE);
    if (code >= 300) throw new Error(`Cannot edit ${path}: HTTP ${code}: ${body.message}`);
    await until(`${key} is seen`, () => seen.has(key), LIMIT_MS, 2);
    return (seen.get(key) ?? Number.NaN) - from;
  };
  const [through, direct]: [number[], number[]] = [[], []];
  for (let index = 0; index <= EDITS; index += 1) {
    const value = String(index);
    const podTemplate = template(value);
    through.push(await one(groupPath(GROUP), { spec: { traffic: { podTemplate } } }, `${GROUP} ${value}`));
    direct.push(await one(`${DEPLOYMENTS}/${COPY}`, { spec: { template: podTemplate } }, `${COPY} ${value}`));
  }
  watching.stop();
  // The first one takes the fields over from the create, once in an object's life.
  const [first = Number.NaN, ...others] = through;
  await api.call("DELETE", groupPath(GROUP));
  for (const name of [GROUP, COPY]) await api.call("DELETE", `${DEPLOYMENTS}/${name}`);
  const row = (what: string, percent: number, wanted: string) => ({
    what,
    groups: bed.names.length,
    value: percentile(others, percent),
    unit: "ms",
    reference: { what: "the Deployment edited directly", value: percentile(direct.slice(1), percent) },
    wanted,
  });
  return {
    title: "One edit",
    how: `${EDITS} edits of one group's pod template (an annotation), one at a time on an idle operator: from sending the edit to the watch event of the Deployment that has it. The operator asks the API server first whether it would take such a pod (dry-run). Reference, in turn with it: the same edit of a copy of that Deployment, which no operator stands behind. Neither has pods.`,
    rows: [
      row("p50", 50, "15 ms"),
      row(`p99 (the slowest of ${EDITS})`, 99, "30 ms"),
      { what: "the first edit of an object", groups: bed.names.length, value: first, unit: "ms" },
    ],
  };
}

async function copyOf({ bench: { api } }: Bed): Promise<void> {
  const { body } = await api.call("GET", `${DEPLOYMENTS}/${GROUP}`);
  const labels = { bench: "copy" };
  const { spec } = body;
  const copied = {
    ...spec,
    selector: { matchLabels: labels },
    template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
  };
  const object = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: COPY, labels }, spec: copied };
  const { code, body: answer } = await api.call("POST", DEPLOYMENTS, object);
  if (code >= 300) throw new Error(`Cannot create ${COPY}: HTTP ${code}: ${answer.message}`);
}
