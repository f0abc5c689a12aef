/** Plays the kubelet where there is no node: puts pods onto a node that does not exist and writes their status. */
import { until } from "../lab/process.ts";
import { type Bench, condition, LIMIT_MS, type Loose, NAMESPACE, untilQuiet } from "./operator-bench.ts";

const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;

export async function podsOf(bench: Bench, group: string, role: string): Promise<Loose[]> {
  const selector = encodeURIComponent(`holdfast.dev/group=${group},holdfast.dev/role=${role}`);
  const { body } = await bench.api.call("GET", `${PODS}?labelSelector=${selector}`);
  return body.items;
}

async function setStatus(bench: Bench, name: string, status: Loose): Promise<void> {
  const { code, body } = await bench.api.call("PATCH", `${PODS}/${name}/status`, { status }, MERGE);
  if (code >= 300) throw new Error(`Cannot set the status of pod ${name}: HTTP ${code}: ${body.message}`);
}
const MERGE = { "content-type": "application/merge-patch+json" };

const ended = (name: string, message: object) => ({
  name,
  image: "x",
  imageID: "x",
  ready: true,
  restartCount: 0,
  state: {
    terminated: {
      exitCode: 0,
      reason: "Completed",
      finishedAt: now(),
      startedAt: now(),
      message: JSON.stringify(message),
    },
  },
});
const running = (name: string) => ({
  name,
  image: "x",
  imageID: "x",
  ready: true,
  restartCount: 0,
  started: true,
  state: { running: { startedAt: now() } },
});
const now = () => `${new Date().toISOString().slice(0, 19)}Z`;

/** A traffic pod that made its choice and serves. No podIP: nobody can ask it. */
export async function serve(bench: Bench, pod: Loose, choice: "normal" | "fallback" = "normal"): Promise<void> {
  const message = { choice, reason: "ControlPlaneAnswered", template: "", absent: [], ms: 1 };
  await bind(bench, pod["metadata"].name);
  await setStatus(bench, pod["metadata"].name, {
    phase: "Running",
    conditions: [
      { type: "PodScheduled", status: "True", lastTransitionTime: now() },
      { type: "Ready", status: "True", lastTransitionTime: now() },
    ],
    initContainerStatuses: [ended("choose", message)],
    containerStatuses: [running("gateway")],
  });
}

/** A throw-away pod that has begun and not ended. */
export async function run(bench: Bench, pod: Loose): Promise<void> {
  await bind(bench, pod["metadata"].name);
  await setStatus(bench, pod["metadata"].name, { phase: "Running" });
}

/** A rehearsal pod that counted what was expected. */
export async function rehearse(bench: Bench, pod: Loose, counts: Record<string, number>): Promise<void> {
  await bind(bench, pod["metadata"].name);
  await setStatus(bench, pod["metadata"].name, {
    phase: "Succeeded",
    containerStatuses: [ended("rehearse", { loaded: true, counts, ms: 5 })],
  });
}

/** A witness pod that got such answers. */
export async function witness(bench: Bench, pod: Loose, probe: { version: string; read?: string }): Promise<void> {
  await bind(bench, pod["metadata"].name);
  await setStatus(bench, pod["metadata"].name, {
    phase: "Succeeded",
    containerStatuses: [ended("witness", { probe })],
  });
}

async function bind(bench: Bench, name: string): Promise<void> {
  const target = { apiVersion: "v1", kind: "Node", name: "nowhere" };
  await bench.api.call("POST", `${PODS}/${name}/binding`, {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { name },
    target,
  });
}

/** Serves all traffic pods of a group that do not yet; resolves with how many there are. */
export async function serveAll(bench: Bench, group: string, choice: "normal" | "fallback" = "normal"): Promise<number> {
  const pods = await podsOf(bench, group, "traffic");
  for (const pod of pods) {
    const ready = pod["status"].conditions?.some((one: Loose) => one["type"] === "Ready" && one["status"] === "True");
    if (!ready && !pod["metadata"].deletionTimestamp) await serve(bench, pod, choice);
  }
  return pods.length;
}

/** The group exists, its pods serve, and nothing is left to write. */
export async function makeServing(bench: Bench, name: string, change?: (spec: Loose) => void): Promise<void> {
  await bench.group(name, change);
  await until(
    `pods of ${name} serve`,
    async () => {
      await serveAll(bench, name);
      return (await condition(bench, name, "Ready"))?.["status"] === "True";
    },
    LIMIT_MS,
  );
  await untilQuiet(bench, 3_000);
}
