import type { Mutant } from "./mutants.ts";

const m = (file: string, removes: string, find: string, replace: string): Mutant => ({ file, find, replace, removes });

/** Which pods count, and moves that come no further. */
export const LIVES: readonly Mutant[] = [
  m("pods.ts", "a pod that ended counts nowhere", "over !== true &&", ""),
  m(
    "pods.ts",
    "a pod that was deleted on a lost node counts nowhere",
    "|| nowMs - goneByMs <= LOST_AFTER_MS",
    "|| true",
  ),
  m("pods.ts", "a pod that never ran is given time", " && nowMs - pod.createdMs > FIRST_START_MS", ""),
  m("pods.ts", "a pod that never ran cannot start", "pod.restarts >= 2 || (", "pod.restarts >= 2 && ("),
  m(
    "decide.ts",
    "a paused Deployment keeps no pod that cannot start",
    "if (paused && !observing",
    "if (false && !observing",
  ),
  m("stall.ts", "a move without progress is held", ">= STALLED_AFTER_MS", "< 0"),
  m("stall.ts", "a group that waits for its turn does not stall", "!waveOpen || further", "further"),
  m("stall.ts", "one pod fewer is progress", "now.left < before.left", "false"),
  m("stall.ts", "one more arrived is progress", "now.arrived > before.arrived", "false"),
  m(
    "stall.ts",
    "a pod that comes and goes is no progress",
    "return {\n    memory: { progress: before },",
    "return {\n    memory: { progress: { ...now, sinceMs: before.sinceMs } },",
  ),
  m("current.ts", "one clock", "facts.serverNowMs ?? facts.nowMs", "facts.nowMs"),
  m("current.ts", "clocks that are apart are told", "Math.abs(aheadMs) <= TOLD_ABOVE_MS", "true"),
  m(
    "evidence.ts",
    "a stamp that cannot be true counts as the beginning",
    "impossible ? createdMs",
    "false ? createdMs",
  ),
];
