/** The control plane of all groups is lost, each with its proof at hand: when is fallback recorded and published? */
import { type Loose, NAMESPACE } from "../cluster/operator-bench.ts";
import { until } from "../lab/process.ts";
import { type Bed, LANES } from "./bed.ts";
import type { Result, Row } from "./report.ts";
import { inParallel, percentile } from "./stats.ts";
import { watch } from "./watch.ts";

const LIMIT_MS = 600_000;
const GROUPS = `/apis/holdfast.dev/v1alpha1/namespaces/${NAMESPACE}/gatewaygroups`;
const CONFIG_MAPS = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
const MERGE = { "content-type": "application/merge-patch+json" };

/** Moments on the clock of Date.now(), per group. */
interface Seen {
  recordedMs: Map<string, number>;
  publishedMs: Map<string, number>;
}

export async function verdict(bed: Bed): Promise<Result> {
  await bed.untilQuiet();
  const groups = bed.names.length;
  const seen: Seen = { recordedMs: new Map(), publishedMs: new Map() };
  const watches = watchMoves(bed, seen);
  const lostMs = Date.now();
  bed.bench.dpManager.counts = undefined; // the front answers, its database does not
  await until("all are published", () => seen.publishedMs.size === groups, LIMIT_MS, 200);
  for (const one of watches) one.stop();
  await bed.untilQuiet();
  const thresholds = await thresholdsOf(bed);
  const after = (moments: Map<string, number>) =>
    bed.names.map((name) => ((moments.get(name) ?? Number.NaN) - (thresholds.get(name) ?? Number.NaN)) / 1000);
  const [recorded, published] = [after(seen.recordedMs), after(seen.publishedMs)];
  const first = Math.min(...thresholds.values());
  const all = (moments: Map<string, number>) => (Math.max(...moments.values()) - first) / 1000;
  const reference = await twoWritesEach(bed);
  const floor = { what: "the same two writes per group, in a plain loop", value: reference };
  const evidence = (first - lostMs) / 1000 - bed.outageAfterSeconds;
  const rows: Row[] = [
    { what: "lost -> first evidence (probes come each 5 s)", groups, value: evidence, unit: "s" },
    { what: "own threshold -> recorded, p50", groups, value: percentile(recorded, 50), unit: "s" },
    { what: "own threshold -> recorded, slowest", groups, value: Math.max(...recorded), unit: "s" },
    { what: "own threshold -> published, p50", groups, value: percentile(published, 50), unit: "s" },
    { what: "own threshold -> published, slowest", groups, value: Math.max(...published), unit: "s", wanted: "2 s" },
    {
      what: "first threshold -> all recorded",
      groups,
      value: all(seen.recordedMs),
      unit: "s",
      wanted: groups > 1 ? "10 s with 1,000" : "",
    },
    { what: "first threshold -> all published", groups, value: all(seen.publishedMs), unit: "s", reference: floor },
  ];
  return {
    title: "Verdict to recorded and published",
    how: `The database behind the control plane that all groups share dies (its front answers with errors), outageAfterSeconds is ${bed.outageAfterSeconds}, each group's snapshot is proven. A group's own threshold is status.controlPlane.lostAt plus outageAfterSeconds; recorded: the watch event of its status with mode ToFallback; published: the watch event of its start ConfigMap that says so, both seen by the bench on the same clock. Nothing but the writes is in it: no pod moves (rollout OnRestart). Reference: for each group two patches of a ConfigMap one after the other, ${LANES} groups at a time, no operator involved.`,
    rows,
  };
}

function watchMoves({ bench, names }: Bed, { recordedMs, publishedMs }: Seen) {
  const { kubeconfigPath } = bench.controlPlane;
  const known = new Set(names);
  const note = (moments: Map<string, number>, name: string, wallMs: number) => {
    if (known.has(name) && !moments.has(name)) moments.set(name, wallMs);
  };
  return [
    watch(kubeconfigPath, GROUPS, ({ object, wallMs }) => {
      const mode = object["status"]?.mode;
      if (mode === "ToFallback" || mode === "Fallback") note(recordedMs, object["metadata"].name, wallMs);
    }),
    watch(kubeconfigPath, `${CONFIG_MAPS}?labelSelector=holdfast.dev/group`, ({ object, wallMs }) => {
      const text = object["data"]?.["start.json"];
      if (text === undefined) return;
      const { mode } = JSON.parse(text);
      if (mode === "ToFallback" || mode === "Fallback")
        note(publishedMs, object["metadata"].labels["holdfast.dev/group"], wallMs);
    }),
  ];
}

/** When the evidence of each group was long enough. */
async function thresholdsOf({ bench: { api }, names, outageAfterSeconds }: Bed): Promise<Map<string, number>> {
  const known = new Set(names);
  const { body } = await api.call("GET", GROUPS);
  return new Map(
    body.items
      .filter(({ metadata }: Loose) => known.has(metadata.name))
      .map(({ metadata, status }: Loose) => [
        metadata.name,
        Date.parse(status.controlPlane.lostAt) + outageAfterSeconds * 1000,
      ]),
  );
}

/** ConfigMaps of nobody: the operator does not look at them. */
async function twoWritesEach({ bench: { api }, names }: Bed): Promise<number> {
  const path = "/api/v1/namespaces/default/configmaps";
  const content = { data: { filling: "x".repeat(2_000) } };
  await inParallel(names, LANES, (name) => api.call("POST", path, { metadata: { name }, ...content }));
  const from = performance.now();
  await inParallel(names, LANES, async (name) => {
    for (const step of ["recorded", "published"]) {
      const { code } = await api.call("PATCH", `${path}/${name}`, { data: { step } }, MERGE);
      if (code >= 300) throw new Error(`Cannot patch ConfigMap ${name}: HTTP ${code}`);
    }
  });
  return (performance.now() - from) / 1000;
}
