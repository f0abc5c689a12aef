import { MODE } from "./reasons-mode.ts";
import { SERVING } from "./reasons-serving.ts";
import { SIGHT } from "./reasons-sight.ts";

/**
 * The closed list of condition types, and of reasons: one vocabulary for conditions, events, metric labels and logs.
 * docs/reasons.md is generated from here; a test fails when it is stale.
 */
export const CONDITION_TYPES = {
  Ready: "The group serves as wanted, in either mode.",
  Reconciling: "Something is still being done to reach what the spec wants.",
  Stalled: "Something in the input must be changed by a person before Holdfast can go on.",
  ControlPlaneReachable: "What all witnesses together say of the control plane.",
  FallbackReady: "A pod that starts now without the control plane would serve the verified snapshot.",
  FallbackActive: "The group is recorded in fallback. Present only while true.",
  SnapshotQuarantined: "The newest export was not trusted; the verified pair stays. Present only while true.",
  SnapshotWarnings:
    "Items of the verified snapshot, or of the newest export, that a gateway may read differently from a file than from the control plane, or that are broken in both. Present only while true.",
  ControlPlaneRegressed:
    "The control plane holds clearly less than the verified snapshot, or another gateway group's configuration. Present only while true.",
  RestartPending: "A change of the pod template waits. Present only while true.",
  Overridden: "Something in the cluster changes what Holdfast writes. Present only while true.",
  ClockSkew: "The clocks of Holdfast's node and of the API server are apart. Present only while true.",
  SelectedByOthers: "An object of somebody else selects pods of this group or scales them. Present only while true.",
  Held: "Holdfast refrains from acting and says why. Present only while true.",
} as const;
export type ConditionType = keyof typeof CONDITION_TYPES;
/** Conditions that are listed only while they are true. */
export const ONLY_WHILE_TRUE: readonly ConditionType[] = [
  "FallbackActive",
  "SnapshotQuarantined",
  "SnapshotWarnings",
  "ControlPlaneRegressed",
  "RestartPending",
  "Overridden",
  "ClockSkew",
  "SelectedByOthers",
  "Held",
];

/** In the order of docs/reasons.md; a test keeps that no word stands in two of them. */
export const REASONS = {
  ...SERVING,
  ...SIGHT,
  ...MODE,
} as const satisfies Record<string, { meaning: string; todo: string }>;
export type Reason = keyof typeof REASONS;
