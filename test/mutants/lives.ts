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
  m("mode/stall.ts", "a move without progress is held", ">= STALLED_AFTER_MS", "< 0"),
  m("mode/stall.ts", "a group that waits for its turn does not stall", "!waveOpen || further", "further"),
  m("mode/stall.ts", "one pod fewer is progress", "now.left < before.left", "false"),
  m("mode/stall.ts", "one more arrived is progress", "now.arrived > before.arrived", "false"),
  m(
    "mode/stall.ts",
    "a pod that comes and goes is no progress",
    "return {\n    memory: { progress: before },",
    "return {\n    memory: { progress: { ...now, sinceMs: before.sinceMs } },",
  ),
  m("facts/current.ts", "one clock", "facts.serverNowMs ?? facts.nowMs", "facts.nowMs"),
  m("facts/current.ts", "clocks that are apart are told", "Math.abs(aheadMs) <= TOLD_ABOVE_MS", "true"),
  m(
    "evidence/evidence.ts",
    "a stamp that cannot be true counts as the beginning",
    "impossible ? createdMs",
    "false ? createdMs",
  ),
  m("evidence/verdict.ts", "enough of the pods wanted, not of those left", "Math.max(serving, w.wanted)", "serving"),
  m("evidence/verdict.ts", "gateways of one node do not overrule Holdfast", "w.nodesCutOff < 2", "false"),
  m(
    "evidence/verdict.ts",
    "of one gateway the places decide",
    'serving > 1 ? asking("Unreachable", "Gate',
    'true ? asking("Unreachable", "Gate',
  ),
  m(
    "evidence/verdict.ts",
    "a place that is answered contradicts gateways",
    'return asking("Reachable"',
    'return say("Unknown"',
  ),
  m(
    "evidence/verdict.ts",
    "a server error to Holdfast alone moves nothing",
    "w.readFailed || w.placesAgree ?",
    "true ?",
  ),
  m(
    "evidence/verdict.ts",
    "a place that is answered contradicts an error",
    'if (w.placesAnswered > 0) return asking("Unknown"',
    'if (false) return asking("Unknown"',
  ),
  m(
    "evidence/evidence.ts",
    "while a gateway may contradict, nothing has lasted",
    "unbroken && votes.late === 0 ?",
    "unbroken ?",
  ),
  m("situation.ts", "a loss that may be contradicted is not recorded", " && evidence.witnesses.late === 0;", ";"),
  m(
    "evidence/evidence.ts",
    "a connected that is newer than the loss is a veto",
    "lostForMs < facts.rendered",
    "0 < facts.rendered",
  ),
  m("evidence/evidence.ts", "a late connected is none yet", "connected: isLate ? 0 : connected", "connected"),
  m(
    "evidence/evidence.ts",
    "only what Holdfast sees down is noticed late",
    'view === "down" ? facts',
    'view !== "up" ? facts',
  ),
  m("evidence/verdict.ts", "who is late does not agree", "w.connected + w.late === 0", "w.connected === 0"),
  m(
    "evidence/verdict.ts",
    "who is late serves",
    "w.connected + w.late + w.disconnected",
    "w.connected + w.disconnected",
  ),
  m("evidence/evidence.ts", "a place speaks for its own time", 'verdict.places === "decide" ?', "false ?"),
  m(
    "evidence/evidence.ts",
    "the front says nothing of the reads behind it",
    'frontOnly ? "unknown"',
    'false ? "unknown"',
  ),
  m(
    "evidence/evidence.ts",
    "who spoke before a dispute says nothing of it",
    "(answered ? disputedSinceMs : unansweredSinceMs)",
    "(answered ? 0 : unansweredSinceMs)",
  ),
  m("objects/throwaway-pods.ts", "a new loss is asked about anew", "ofThis ? everyMs : ROUNDS_MIN_MS", "everyMs"),
  m(
    "objects/throwaway-pods.ts",
    "rounds are seldom where nothing hangs on them",
    "? ROUNDS_SELDOM_MS : ROUNDS_MS",
    "? ROUNDS_MS : ROUNDS_MS",
  ),
  m("objects/throwaway-pods.ts", "two rounds within the time of a loss", "evidence.heldMs < dwellMs", "false"),
];
