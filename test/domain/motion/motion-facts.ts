// Pods that move, for the tables of the motion: what of a plan is motion, and how far a move has come.
import type { Loose } from "../deciding.ts";

export type Row = [string, (facts: Loose) => void, string[]];
export const motion = (steps: string[]) => steps.filter((step) => /^(scale|markPod|deletePod)/.test(step));
const LEAVING = "-2147483648";

export function surge(facts: Loose, change: object = {}, ageMs = 5_000): void {
  facts.children.traffic.replicas = 3;
  const start = { choice: "normal", reason: "ControlPlaneAnswered", finishedMs: facts.nowMs, absent: [] };
  facts.pods.push({
    ...facts.pods[0],
    name: "edge-1-3",
    uid: "uid-3",
    start,
    createdMs: facts.nowMs - ageMs,
    ...change,
  });
}
export function mark(pod: Loose): void {
  pod.deletionCost = LEAVING;
}
export function reachable(facts: Loose): void {
  facts.controlPlane = { operator: { view: "readsOk" }, counts: {} };
  for (const pod of facts.pods) pod.vote = "connected";
}
