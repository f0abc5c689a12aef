import { ANNOTATION } from "../../api/names.ts";
import { parseStartMessage } from "../../domain/choice.ts";
import { CONTAINER } from "../../domain/desired/common.ts";
import type { PodFact, StartChoice } from "../../domain/facts/cluster.ts";
import type { Pod } from "../../kube/resources.ts";
import type { PodAnswers } from "./pod-prober.ts";
import { witnessed } from "./witness.ts";

type ContainerStatus = NonNullable<NonNullable<Pod["status"]>["containerStatuses"]>[number];

export interface PodReading {
  /** What the pod was last heard to say; nothing heard is unknown. */
  answers: PodAnswers;
  /** Environment variable that tells the workers, from the gateway's profile. */
  workersEnv: string;
  /** Workers of a pod that does not say: what the spec gives now. */
  workers: number;
}

export function readPod(pod: Pod, { answers, workersEnv, workers }: PodReading): PodFact {
  const { metadata, spec, status } = pod;
  const gateway = statusOf(status?.containerStatuses, CONTAINER.gateway);
  const choose = statusOf(status?.initContainerStatuses, CONTAINER.choose);
  const said = answers.of(metadata.uid ?? "");
  return {
    name: metadata.name,
    uid: metadata.uid ?? "",
    resourceVersion: metadata.resourceVersion ?? "",
    templateHash: metadata.labels?.["pod-template-hash"] ?? "",
    createdMs: timeOf(metadata.creationTimestamp) ?? 0,
    deleting: metadata.deletionTimestamp !== undefined,
    ready: hasCondition(pod, "Ready"),
    scheduled: spec?.nodeName !== undefined && spec.nodeName !== "",
    restarts: gateway?.restartCount ?? 0,
    cores: workersOf(pod, workersEnv) ?? workers,
    vote: said.vote,
    emptyWorker: said.emptyWorker,
    check: said.check,
    ...given({
      node: spec?.nodeName,
      zone: metadata.labels?.["topology.kubernetes.io/zone"],
      proofKey: metadata.annotations?.[ANNOTATION.proofKey],
      deletionCost: metadata.annotations?.[ANNOTATION.podDeletionCost],
      start: choose && startChoice(pod, choose),
      trouble: troubleOf(pod),
      unheard: unheard(status),
      goneByMs: timeOf(metadata.deletionTimestamp),
      over: isOver(pod) || undefined,
      neverRan: neverRan(gateway) || undefined,
    }),
  };
}

/**
 * Nothing of it runs or will. A kubelet that evicts a pod or shuts its node down leaves it as Failed, and its ReplicaSet
 * replaces it without deleting it; of a node that nobody hears from the control plane says Unknown or NodeLost.
 */
export function isOver({ status }: Pod): boolean {
  return ["Failed", "Succeeded", "Unknown"].includes(status?.phase ?? "") || status?.reason === "NodeLost";
}

const neverRan = (gateway: ContainerStatus | undefined): boolean =>
  gateway?.state?.waiting !== undefined && gateway.restartCount === 0 && !gateway.lastState?.terminated;

/**
 * When a container of it ended, by the API server's clock. The node stamped that by its own, which may be minutes away; but
 * that same clock stamped when the kubelet took the pod over, a moment after the API server stamped its being placed.
 */
export function endedMs({ metadata, status }: Pod, finishedAt: string | undefined): number {
  const finishedMs = timeOf(finishedAt);
  const takenMs = timeOf(status?.startTime);
  const placed = status?.conditions?.find(({ type, status: is }) => type === "PodScheduled" && is === "True");
  const placedMs = timeOf(placed?.lastTransitionTime) ?? timeOf(metadata.creationTimestamp);
  if (finishedMs === undefined || takenMs === undefined || placedMs === undefined) return finishedMs ?? 0;
  return placedMs + (finishedMs - takenMs);
}

function startChoice(pod: Pod, { state, lastState }: ContainerStatus): StartChoice | undefined {
  const ended = state?.terminated ?? lastState?.terminated;
  if (!ended) return undefined;
  const finishedMs = endedMs(pod, ended.finishedAt);
  const said = parseStartMessage(ended.message ?? "");
  // It ended without a word (killed, out of memory): what it writes first is the normal configuration.
  if (!said) return { choice: "normal", reason: "NoMessage", finishedMs, absent: [] };
  const { choice, reason, absent, epoch, probe } = said;
  const seen = probe && witnessed(probe.version, probe.read);
  return {
    choice,
    reason,
    finishedMs,
    absent,
    ...given({ epoch, controlPlaneAnswered: seen?.answered, readFailed: seen?.readFailed }),
  };
}

const WAITS_IN_GOOD_ORDER = new Set(["PodInitializing", "ContainerCreating"]);

/** Which container waits or ended, and why, as the kubelet says it; why the scheduler found no place. */
export function troubleOf({ spec, status }: Pod): string | undefined {
  const placed = status?.conditions?.find((condition) => condition.type === "PodScheduled");
  if (placed?.status === "False") return placed.reason ?? "Unschedulable";
  for (const container of [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]) {
    const why = whyNotRunning(container);
    if (why === undefined) continue;
    const of = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].find(
      ({ name }) => name === container.name,
    );
    const image = why.includes("Image") && of?.image ? ` (${of.image})` : "";
    return `${container.name}: ${why}${image}`;
  }
  if (status?.phase === "Failed") return status.reason ?? "Failed";
  return undefined;
}

/** Runs and is not ready, at an address on which the gateway's ports do not listen. */
function unheard(status: Pod["status"]): string | undefined {
  const gateway = statusOf(status?.containerStatuses, CONTAINER.gateway);
  const asked = gateway?.state?.running !== undefined && !gateway.ready && status?.podIP?.includes(":");
  return asked ? `${CONTAINER.gateway}: IPv6Only (its ports listen on IPv4)` : undefined;
}

function whyNotRunning({ state, lastState }: ContainerStatus): string | undefined {
  const waiting = state?.waiting?.reason;
  if (waiting !== undefined && !WAITS_IN_GOOD_ORDER.has(waiting)) {
    const before = lastState?.terminated?.reason;
    return before === undefined || before === "Error" ? waiting : `${waiting} (${before})`;
  }
  if (state?.terminated && state.terminated.exitCode !== 0) return state.terminated.reason ?? "Error";
  return undefined;
}

export function hasCondition(pod: Pod, type: string): boolean {
  return pod.status?.conditions?.some((condition) => condition.type === type && condition.status === "True") ?? false;
}

export function statusOf(all: readonly ContainerStatus[] | undefined, name: string): ContainerStatus | undefined {
  return all?.find((container) => container.name === name);
}

function workersOf(pod: Pod, workersEnv: string): number | undefined {
  const gateway = pod.spec?.containers.find((container) => container.name === CONTAINER.gateway);
  const text = gateway?.env?.find((variable) => variable.name === workersEnv)?.value;
  const workers = Number(text);
  return text !== undefined && Number.isSafeInteger(workers) && workers > 0 ? workers : undefined;
}

export function timeOf(text: string | undefined): number | undefined {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

export function json(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Leaves out what is undefined: with exactOptionalPropertyTypes an absent field is no field. */
export function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
