import type { Skew } from "../facts/current.ts";
import type { Verdict } from "./verdict.ts";

/**
 * What one process remembers of one group between two loops, within one term of leadership. Losing it costs time,
 * never correctness: a new term counts from zero, so that evidence of another process never moves a group.
 */
export interface GroupMemory {
  /** Of another nothing of it holds. */
  subject?: Subject;
  verdict?: { word: Verdict["word"]; sinceMs: number; seenMs: number };
  /** Wall clock, ms: since then Holdfast itself has not had its reads answered, whatever it saw instead. */
  unansweredSinceMs?: number;
  /** Wall clock, ms: since then its reads are answered, and gateways say that they are cut off. */
  disputedSinceMs?: number;
  /**
   * In fallback: how often the control plane was back and went again before the group returned; `back` while it is
   * back. Lost with the process, as all of this: then a flapping control plane may cause one flip more.
   */
  relapses?: { count: number; back: boolean };
  /** A move of pods failed at this time; the next attempt waits. */
  moveFailedMs?: number;
  moveFailedWhy?: "SurgeImpossible" | "CanaryFailed";
  /** Of the move of pods that is under way. */
  progress?: Progress;
  /** The clocks of Holdfast's node and of the API server were apart. */
  skew?: Skew;
  /** Since when there is a pod that nobody can ask spec.traffic.check, on the monotonic clock. */
  uncheckedSinceMs?: number;
  /** Who sets again what was taken back, by object ("Deployment/edge"), and "replicas" for the number of traffic pods. */
  contests?: Readonly<Record<string, Contest>>;
}
export const emptyMemory = (): GroupMemory => ({});

/** Whom a memory speaks of. Under one name another group may be born, and the spec may name another control plane. */
export interface Subject {
  /** The group's uid. */
  group: string;
  controlPlane: string;
}

/** Holdfast and another writer, in turns. */
export interface Contest {
  /** Field manager of the other writer, and which write of his was taken back last: its time, or a generation. */
  by: string;
  at: string;
  /** How often something was taken back, and when last, on the monotonic clock. */
  rounds: number;
  lastMs: number;
  /** Of the number of traffic pods: what Holdfast set last, and what the spec wanted then. */
  to?: number;
  wanted?: number;
}

/** How far a move has come, and when it last came further. */
export interface Progress {
  /** Which move: its mode, its epoch, and whether the start choice knows of it. */
  of: string;
  /** The fewest pods that were left to move, and the most that had arrived. */
  left: number;
  arrived: number;
  /** On the monotonic clock. */
  sinceMs: number;
}
