import type { GatewayGroupStatus } from "../../api/gateway-group-status.ts";
import type { PlannedEvent, Step } from "../plan.ts";

/** Why an export is not taken. */
export const DISTRUST = ["SnapshotInvalid", "SnapshotForeign", "SnapshotShrunken"] as const;
export type Distrust = (typeof DISTRUST)[number];

/** raw -> candidate -> rehearsal -> verified: what is recorded of it, and what is the next thing to do. */
export interface Pipeline {
  status: NonNullable<GatewayGroupStatus["snapshot"]>;
  steps: Step[];
  events: PlannedEvent[];
  quarantine?: { reason: Distrust; message: string; digest: string };
  /** A rehearsal to start now. The caller makes the pod. */
  rehearse?: {
    digest: string;
    objectKey: "candidate" | "verified";
    counts: Readonly<Record<string, number>>;
    items?: string;
  };
  /** Digest of the snapshot that was proven without items because a person accepted it. */
  acceptedWithout?: string;
  /** The annotation rehearse-at that was carried out. */
  rehearsedAt?: string;
}

export function pipelineEvent(
  type: "Normal" | "Warning",
  reason: "RehearsalFailed" | "SnapshotVerified",
  action: string,
  message: string,
): PlannedEvent {
  return { type, reason, action, message, alsoOnDeployment: false };
}
