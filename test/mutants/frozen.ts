import type { Mutant } from "./mutants.ts";

/** What must not be given up, and what may be changed where nothing serves. */
export const FROZEN: readonly Mutant[] = [
  {
    file: "situation.ts",
    removes: "what serves is not given up from the first look on that is not Reachable",
    find: '!readiness.usable && evidence.verdict.word !== "Reachable"',
    replace: "!readiness.usable && isLost(facts, evidence, lostMs)",
  },
  {
    file: "situation.ts",
    removes: "with a proof at hand fewer are fewer",
    find: "const irreplaceable = !readiness.usable &&",
    replace: "const irreplaceable =",
  },
  {
    file: "motion.ts",
    removes: "pods that are not ready may go, and no more than those",
    find: "if (frozen && surplus < traffic.replicas - to)",
    replace: "if (frozen && surplus === 0)",
  },
];
