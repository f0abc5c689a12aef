import type { Role } from "../../api/names.ts";

/** What other people's objects of the namespace have to do with pods of this group. */
export interface NeighbourFacts {
  /** Those that select pods of it, or scale a Deployment of it. */
  seen: readonly NeighbourFact[];
  /** Kinds that could not be read: of these nothing is known. */
  unread: readonly string[];
}

export interface NeighbourFact {
  kind: "Service" | "PodDisruptionBudget" | "Deployment" | "StatefulSet" | "HorizontalPodAutoscaler";
  name: string;
  /** Roles that it selects by the labels that their pods start with now. */
  wanted: readonly Role[];
  /** Roles that it selects by the labels of pods that exist. */
  live: readonly Role[];
  /** Its selector names a label of Holdfast's: whoever wrote it meant pods of Holdfast's. */
  meant: boolean;
  /** A Service that takes pods that are not ready, too. */
  unready: boolean;
  /** An autoscaler: the Deployment of this group that it scales. */
  scales?: string;
}
