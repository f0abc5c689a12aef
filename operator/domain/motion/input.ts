import type { Mode } from "../../api/gateway-group-status.ts";
import type { Reason } from "../../api/reasons.ts";
import type { Evidence } from "../evidence/evidence.ts";
import type { Expectation } from "../evidence/expectation.ts";
import type { GroupMemory } from "../evidence/memory.ts";
import type { Facts } from "../facts/facts.ts";
import type { NeighbourTrouble } from "../objects/neighbours.ts";
import type { Step } from "../plan.ts";
/**
 * Replacing pods, additively: raise the replicas by the surge, wait until the new pods serve, mark those that leave,
 * lower the replicas again. No pod template changes. Turning round is the same motion the other way.
 */
export interface Motion {
  /** Pods whose source of configuration is not the wanted one and that may be replaced now. */
  leavers: number;
  /** Pods from the other source that still exist, ready or not: the mode is not reached while there are any. */
  remaining: number;
  /** Pods that cannot start without the control plane and may be deleted so that they choose again. */
  stuck: number;
  steps: Step[];
  memory: Pick<GroupMemory, "moveFailedMs" | "moveFailedWhy">;
  problem?: { reason: Reason; message: string };
  /** What is not done yet though it is wanted. */
  waits?: { reason: Reason; message: string };
}

export interface MotionInput {
  facts: Facts;
  mode: Mode;
  evidence: Evidence;
  memory: GroupMemory;
  /** Replicas wanted by the spec (or held at the present number). */
  wanted: number;
  /** Proofs that the start choice can see: a pod with this key would start from the snapshot. */
  publishedKeys: ReadonlySet<string>;
  /** May pods that serve normally be moved to the snapshot (Rolling and due, or ordered)? */
  motionDue: boolean;
  /** They are to be moved, once the loss has been seen for long enough. */
  motionWaits: boolean;
  expectation: Expectation;
  /** The number of pods waits for a word of a person (ReplicasDropHeld): no surge on top of it. */
  replicasHeld?: unknown;
  /** Somebody else lowers the number again and again: more pods are not tried just now. */
  raiseWaits: boolean;
  /** No template change, no scale-down, no replacement of what serves. */
  frozen: boolean;
  /** Who else scales these pods: beside them no move begins. */
  neighbours: readonly NeighbourTrouble[];
  /** Groups on the same control plane move in waves. */
  waveOpen: boolean;
}
