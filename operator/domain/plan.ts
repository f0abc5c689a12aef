import type { GatewayGroupStatus } from "../api/gateway-group-status.ts";
import type { Reason } from "../api/reasons.ts";
import type { KubeObject } from "./facts/cluster.ts";
import type { Owner } from "./facts/outside.ts";

/**
 * What is to be done, in this order. Plain data: who carries it out needs no judgement of its own,
 * and every precondition that the decision rests on travels with the step.
 */
export interface Plan {
  /** The whole status wanted. Written only when it differs, guarded by the resourceVersion of the facts. */
  status: GatewayGroupStatus;
  /**
   * True when the recorded mode moves: then `status` is written first and nothing else is done in this loop.
   * The mode is recorded before it is acted on.
   */
  recordsMode: boolean;
  steps: readonly Step[];
  /**
   * Motion, where a template is to change: carried out only when that change was not, so that a refusal that lasts does
   * not keep the group from being scaled and moved. Never both: one thing replaces pods at a time.
   */
  instead?: readonly Step[];
  /** Of conditions, of the mode and of what was seen. What is told of a step is the step's own. */
  events: readonly PlannedEvent[];
  /** Look again after this long at the latest, ms. */
  recheckAfterMs: number;
  /** Wanted from the readers at the next look. */
  wants: Wants;
}

export interface Wants {
  /** Ask the pods at each probe interval instead of each minute. */
  podsOften: boolean;
  /** Count objects on the control plane. */
  controlPlaneCounts: boolean;
}

export type Step = Work & Told & Order;

/** How steps of one plan depend on each other. Names are of no meaning but to each other. */
export interface Order {
  /** Not carried out when one of these is missing. */
  needs?: readonly string[];
  /** Missing for later steps when this one is not carried out. */
  gives?: readonly string[];
  /** What comes after it is carried out also where its object had changed meanwhile; otherwise the plan ends there. */
  optional?: true;
}

/** A generation is the copy of a verified pair that is kept under its digest. */
export type PairName = "raw" | "candidate" | "verified" | "generation";

export interface Told {
  /** Told once this step is done, and never otherwise. */
  events?: readonly PlannedEvent[];
  /** The word of a person that this step carries out: used up once it is done, and never otherwise. */
  carries?: "restartedAt" | "rehearsedAt";
}

type Work =
  /** Server-side apply; never carries replicas of the traffic Deployment. */
  | { do: "apply"; object: KubeObject; why: string; adopt?: Adopt }
  /** POST; fails when it exists. Deployments with their first replicas, helper pods. */
  | { do: "create"; object: KubeObject; why: string; adopt?: Adopt }
  /** PUT of the scale subresource with the resourceVersion of the read that justified it. */
  | { do: "scale"; name: string; from: number; to: number; resourceVersion: string; why: string; live?: Floor }
  | {
      do: "deletePod";
      name: string;
      uid: string;
      resourceVersion: string;
      /** Instead of the pod's own grace period. */
      graceSeconds?: number;
      why: string;
      live?: Floor;
    }
  /** Labels and annotations of an object alone; what it does is not touched. */
  | {
      do: "relabel";
      apiVersion: string;
      kind: string;
      name: string;
      uid: string;
      resourceVersion: string;
      labels: Record<string, string>;
      annotations: Record<string, string>;
      why: string;
    }
  /** Sets controller.kubernetes.io/pod-deletion-cost on a pod. */
  | { do: "markPod"; name: string; uid: string; resourceVersion: string; cost: string; why: string }
  | { do: "delete"; apiVersion: string; kind: string; name: string; uid: string; why: string }
  /** Copies a pair within the store; the digest is checked on the bytes just before they are written. */
  | { do: "copySnapshot"; from: PairName; to: Exclude<PairName, "raw">; digest: string; why: string }
  /** Writes the mark of the owner where there is none, or over the one that was seen. */
  | { do: "claimStore"; owner: Owner; over?: string; why: string }
  /** Removes a kept copy, named by the first characters of its digest. */
  | { do: "removeGeneration"; digest: string; why: string }
  /** Puts a template back (outage in the middle of a roll). Replaces spec.template only. */
  | {
      do: "restoreTemplate";
      name: string;
      resourceVersion: string;
      template: Readonly<Record<string, unknown>>;
      annotations: Record<string, string>;
      why: string;
    }
  | { do: "pause"; name: string; resourceVersion: string; paused: boolean; why: string };

/**
 * Read again, live, just before the step: this many pods must serve afterwards.
 * `uids` are the pods that the decision counted on as staying.
 */
export interface Floor {
  minServingAfter: number;
  staying: readonly string[];
}

/** The object is there, is somebody else's, and may be taken over by an apply. */
export interface Adopt {
  /** Read live first: what it takes away from others must be there already. */
  live?: Floor;
}

export interface PlannedEvent {
  type: "Normal" | "Warning";
  reason: Reason;
  /** Verb for events.k8s.io/v1, UpperCamelCase. */
  action: string;
  message: string;
  /** Also on the traffic Deployment, for people who never heard of Holdfast. */
  alsoOnDeployment: boolean;
}
