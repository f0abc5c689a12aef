import { LABEL } from "../../api/names.ts";
import type { Refusal } from "../../domain/facts/cluster.ts";
import type { Step } from "../../domain/plan.ts";
import type { Clock } from "../../kube/clock.ts";
import { isRefusal } from "../../kube/errors.ts";
import type { Memory, Sessions } from "../../session.ts";

/** A refused step comes again with every loop; one that did not come again for so long is wanted no more. */
const FORGOTTEN_AFTER_MS = 45_000;

/** Steps that the cluster refused: nobody else would ever say so to the group's owner. */
export class Refusals {
  readonly #clock: Clock;
  readonly #met: Memory<Map<string, Refusal & { atMs: number }>>;

  constructor(clock: Clock, sessions: Sessions) {
    this.#clock = clock;
    this.#met = sessions.memory();
  }

  met(groupKey: string, step: Step, error: unknown): void {
    if (isInStore(step) || !isRefusal(error)) return;
    const refusal = { does: step.do, ...targetOf(step, error.message) };
    const ofGroup = this.#met.get(groupKey) ?? new Map<string, Refusal & { atMs: number }>();
    // Which of several pods it met first says nothing.
    const which = refusal.role ?? (step.do === "deletePod" || step.do === "markPod" ? "" : refusal.name);
    ofGroup.set(`${step.do} ${refusal.kind}/${which}`, { ...refusal, atMs: this.#clock.monotonicMs() });
    this.#met.set(groupKey, ofGroup);
  }

  of(groupKey: string): Refusal[] {
    const nowMs = this.#clock.monotonicMs();
    return [...(this.#met.get(groupKey)?.values() ?? [])]
      .filter(({ atMs }) => nowMs - atMs < FORGOTTEN_AFTER_MS)
      .map(({ atMs: _, ...refusal }) => refusal);
  }
}

type InStore = Extract<Step, { do: "copySnapshot" | "removeGeneration" | "claimStore" }>;
type Tried = Exclude<Step, InStore>;
const isInStore = (step: Step): step is InStore =>
  step.do === "copySnapshot" || step.do === "removeGeneration" || step.do === "claimStore";

function targetOf(step: Tried, message: string): Omit<Refusal, "does"> {
  switch (step.do) {
    case "apply":
    case "create": {
      const { kind, metadata } = step.object;
      const { name } = metadata;
      if (kind !== "Pod") return { kind, name, message };
      const role = metadata.labels?.[LABEL.role] ?? "";
      // With the name of each attempt in it, status would be written anew with every loop.
      return { kind, name: role, role, message: message.replaceAll(name, `${role} pod`) };
    }
    case "delete":
    case "relabel":
      return { kind: step.kind, name: step.name, message };
    case "deletePod":
    case "markPod":
      return { kind: "Pod", name: step.name, message };
    default:
      return { kind: "Deployment", name: step.name, message };
  }
}
