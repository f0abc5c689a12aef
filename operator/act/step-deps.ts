import type { KubeObject } from "../domain/facts/cluster.ts";
import type { Step } from "../domain/plan.ts";
import type { KubeClient } from "../kube/client.ts";
import type { ObjectMeta, Resource } from "../kube/resources.ts";

export type WriteClient = Pick<
  KubeClient,
  "get" | "list" | "create" | "apply" | "updateScale" | "mergePatch" | "jsonPatch" | "delete" | "replaceStatus"
>;

/**
 * How a step ended, for logs and metrics. `refused`: the cluster or the store said no, and the same again would be no.
 * `overridden`: written, and the cluster changed something of it as it came in. `blocked`: not tried, because something that it needs was refused.
 * `postponed`: not tried, because others come first; it is woken when it is its turn.
 */
export type StepResult =
  | "done"
  | "alreadyDone"
  | "overridden"
  | "abandoned"
  | "conflict"
  | "stranger"
  | "refused"
  | "blocked"
  | "postponed"
  | "failed";

export interface StepDeps {
  client: WriteClient;
  /** A write came back: the cache must catch up with it before the next decision. */
  wrote: (resource: Resource, object: { metadata: ObjectMeta }) => void;
  /** Where the cluster changed what we wrote, as it came in; no paths where it did not. */
  overridden: (meant: KubeObject, uid: string, paths: readonly string[]) => void;
  deleted: (resource: Resource, name: string, uid: string) => void;
  /** A live object sits on a name that we need. Returns whether it is a stranger's. */
  meet: (live: KubeObject) => boolean;
  /** Asks the cluster whether it would take a pod of this template. Its words when it would not. */
  dryRun: (template: Readonly<Record<string, unknown>>, signal: AbortSignal) => Promise<string | undefined>;
  copySnapshot: (step: Extract<Step, { do: "copySnapshot" }>, signal: AbortSignal) => Promise<StepResult>;
  claimStore: (step: Extract<Step, { do: "claimStore" }>, signal: AbortSignal) => Promise<StepResult>;
  removeGeneration: (step: Extract<Step, { do: "removeGeneration" }>, signal: AbortSignal) => Promise<StepResult>;
}

export const idOf = (object: KubeObject): string => `${object.kind}/${object.metadata.name}`;
