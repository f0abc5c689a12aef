import type { Mutant } from "./mutants.ts";

const m = (
  file: string,
  removes: string,
  find: string,
  replace: string,
  [test, title]: readonly [string, string],
): Mutant => ({ file, find, replace, removes, shownBy: { file: `test/domain/${test}.test.ts`, title } });

const BADLY = ["motion/motion-broken", "a pod that is ready and serves badly: %s"] as const;
const DEAD = ["motion/motion-broken", "a pod whose worker died: %s"] as const;
const SOON = ["mode/mode-fallback", "a flip that comes soon after the last makes the return wait: %s"] as const;

/** How a group moves and waits: each of these could once vanish unseen. */
export const MOVES: readonly Mutant[] = [
  m(
    "motion/candidates.ts",
    "beside a control plane that answers no pod is dead",
    'verdict.word !== "Unreachable" || witnesses.late > 0',
    "false",
    DEAD,
  ),
  m(
    "motion/candidates.ts",
    "a dead pod goes where one like it would start",
    "servesNobody(pod) && mayMove(pod, input)",
    "servesNobody(pod)",
    DEAD,
  ),
  m("pods.ts", "one of several workers is not the pod", "cores === 1 && emptyWorker", "emptyWorker", DEAD),
  m("pods.ts", "what its status says is not enough", ' && check === "fail" &&', " &&", DEAD),
  m("pods.ts", "one that has its control plane loads again", ' && vote !== "connected";', ";", DEAD),
  m("pods.ts", "a route that fails is not enough", "cores === 1 && emptyWorker &&", "cores === 1 &&", DEAD),
  m(
    "motion/motion.ts",
    "a broken pod leaves only while as many as wanted are ready",
    "successorsServe && ready - 1 >= wanted",
    "successorsServe",
    BADLY,
  ),
  m(
    "motion/motion.ts",
    "a broken pod leaves only when its successor serves",
    "successorsServe && ready - 1 >= wanted",
    "ready - 1 >= wanted",
    BADLY,
  ),
  m("motion/motion.ts", "of stuck pods a surge at a time", "useless.slice(0, limit)", "useless", [
    "motion/motion-broken",
    "no pod can start, and of two a surge of %s is deleted at a time",
  ]),
  m(
    "motion/candidates.ts",
    "none is deleted in fallback beside a living control plane",
    'if (mode === "ToFallback" || mode === "Fallback") return facts.pods.filter(renewed);',
    "",
    ["motion/motion-broken", "a pod that cannot start from the snapshot beside a control plane that answers, in %s"],
  ),
  m(
    "motion/candidates.ts",
    "in normal mode pods go back only after the return's time",
    " || evidence.heldMs < dwellMs) return false",
    ") return false",
    [
      "motion/motion-rest",
      "back at rest, from the snapshot: not before the control plane has answered for the return's time",
    ],
  ),
  m("mode/record.ts", "a second flip waits longer", "return { level, at };", "return { level: 0, at };", SOON),
  m(
    "mode/record.ts",
    "the wait is doubled so often and no more",
    "Math.min(PENALTY_MAX, penaltyLevel(penalty, nowMs) + 1)",
    "penaltyLevel(penalty, nowMs) + 1",
    SOON,
  ),
  m("mode/record.ts", "quiet forgets flips", "penalty.level - Math.floor(", "penalty.level - 0 * Math.floor(", [
    "mode/return",
    "back: %s",
  ]),
  m(
    "mode/return.ts",
    "a return waits an hour at most",
    "Math.min(baseMs * 2 ** doublings, Math.max(baseMs, RETURN_WAIT_MAX_MS))",
    "baseMs * 2 ** doublings",
    ["mode/return", "back: %s"],
  ),
  m("mode/mode.ts", "an ordered return is not turned by a loss", ' && words.order !== "Normal") {', ") {", [
    "mode/return",
    "ordered or not: %s",
  ]),
  m("objects/throwaway-pods.ts", "a canary speaks of now", "!wanted || failed || old ||", "!wanted || failed ||", [
    "mode/return",
    "a canary of %i ms ago",
  ]),
  m(
    "situation.ts",
    "Observe publishes no proof in normal mode",
    'mode !== "Normal" || words.order !== "Observe"',
    "true",
    ["mode/mode-published", "under %s pods that start find %i proofs"],
  ),
];
