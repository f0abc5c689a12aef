import { z } from "zod";
import { ANNOTATION, LABEL } from "../../api/names.ts";
import type { ProbeOutcome } from "../../domain/choice.ts";
import { CONTAINER, MARK } from "../../domain/desired/common.ts";
import type { HelperPodFact } from "../../domain/facts/cluster.ts";
import type { Pod } from "../../kube/resources.ts";
import { endedMs, given, json, statusOf, timeOf, troubleOf } from "../gateways/pods.ts";
import { witnessed } from "../gateways/witness.ts";

type Role = HelperPodFact["role"];
type Result = HelperPodFact["result"];
const ROLES: readonly string[] = ["rehearsal", "canary", "witness"] satisfies Role[];

export function isHelper(pod: Pod): boolean {
  return ROLES.includes(pod.metadata.labels?.[LABEL.role] ?? "");
}

/** A rehearsal, canary or witness pod, by what its main container left in the termination message. */
export function readHelper(pod: Pod): HelperPodFact {
  const { metadata, spec } = pod;
  const role = metadata.labels?.[LABEL.role] as Role;
  const annotations = metadata.annotations ?? {};
  return {
    role,
    name: metadata.name,
    uid: metadata.uid ?? "",
    resourceVersion: metadata.resourceVersion ?? "",
    createdMs: timeOf(metadata.creationTimestamp) ?? 0,
    deleting: metadata.deletionTimestamp !== undefined,
    result: resultOf(pod, role),
    ...given({
      node: spec?.nodeName,
      digest: annotations[ANNOTATION.digest],
      proofKey: annotations[ANNOTATION.proofKey],
      readerSecretVersion: annotations[MARK.readerSecret],
      image: gatewayImage(pod),
    }),
  };
}

const Loaded = z.object({
  loaded: z.boolean(),
  counts: z.record(z.string(), z.int()).optional(),
  why: z.string().max(256).optional(),
  expected: z.record(z.string(), z.int()).optional(),
  seen: z.record(z.string(), z.int()).optional(),
  missing: z.array(z.string().max(96)).max(64).optional(),
  more: z.int().min(0).optional(),
});
const Asked = z.object({ probe: z.object({ version: z.string().max(32), read: z.string().max(32).optional() }) });

function resultOf(pod: Pod, role: Role): Result {
  // By its name: an injector may put a container of its own first, and that one may end first, too.
  const own = role === "witness" ? CONTAINER.witness : CONTAINER.rehearse;
  const ended = statusOf(pod.status?.containerStatuses, own)?.state?.terminated;
  const unconfigured = statusOf(pod.status?.initContainerStatuses, CONTAINER.choose)?.state?.terminated;
  const over = pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
  if (ended === undefined && !over) return { state: "running" };
  const message = json((ended ?? unconfigured)?.message);
  if (role === "witness") {
    const said = Asked.safeParse(message);
    if (!said.success) return failed(pod);
    const { version, read } = said.data.probe as { version: ProbeOutcome; read?: ProbeOutcome };
    const seen = witnessed(version, read);
    if (!seen) return { state: "failed", message: `it could not tell: ${version}${read ? `, read ${read}` : ""}` };
    return { state: "answered", ...seen, finishedMs: endedMs(pod, ended?.finishedAt) };
  }
  const said = Loaded.safeParse(message);
  if (!said.success) return failed(pod);
  if (said.data.loaded) return { state: "loaded", counts: said.data.counts ?? {} };
  return fewerThan(said.data);
}

function fewerThan({ why = "it did not load", expected, seen, missing, more = 0 }: z.infer<typeof Loaded>): Result {
  const counted = expected === undefined ? "" : `: expected ${sentence(expected)}, seen ${sentence(seen ?? {})}`;
  const message = `${why}${counted}`;
  if (why !== "FewerThanExpected" || seen === undefined) return { state: "failed", message };
  return { state: "failed", message, fewer: { seen, ...(missing === undefined ? {} : { missing }), more } };
}

/** It ended and left no word of its own: what the kubelet says. */
function failed(pod: Pod): Result {
  const { reason, message } = pod.status ?? {};
  const said = [troubleOf(pod) ?? reason ?? "it ended without a result", message].filter(Boolean).join(": ");
  return { state: "failed", message: said.slice(0, 512) };
}

function sentence(counts: Record<string, number>): string {
  const parts = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
  return parts.length > 0 ? parts.join(", ") : "nothing";
}

/** There the gateway is a sidecar, which Kubernetes lists among the init containers. */
function gatewayImage({ spec }: Pod): string | undefined {
  const all = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  return all.find((container) => container.name === CONTAINER.gateway)?.image;
}
