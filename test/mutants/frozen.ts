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
    file: "motion/motion.ts",
    removes: "pods that are not ready may go, and no more than those",
    find: "if (frozen && surplus < traffic.replicas - to)",
    replace: "if (frozen && surplus === 0)",
  },
  {
    file: "templates/template.ts",
    removes: "a change rolls only where the control plane answers or nothing serves",
    find: "return nothingServes(facts) && (publishedKeys",
    replace: "return (publishedKeys",
  },
  {
    file: "templates/template.ts",
    removes: "pods that would come up from the snapshot are left to it",
    find: " && (publishedKeys.has(desired.proofKey) || !publishedKeys.has(running.key))",
    replace: "",
  },
  {
    file: "templates/template.ts",
    removes: "restart-at rolls in an outage only what is proven",
    find: "wishReady && publishedKeys.has(desired.proofKey)",
    replace: "publishedKeys.has(desired.proofKey)",
  },
  {
    file: "templates/roll.ts",
    removes: "a template that neither serves nor could start is not put back",
    find: "?? older.find(starts)",
    replace: "?? older[0]",
  },
  {
    file: "templates/template.ts",
    removes: "an upgrade rolls nothing that serves",
    find: "older.length === 0 && !nothingServes(facts)",
    replace: "false",
  },
  {
    file: "templates/live.ts",
    removes: "a pod that runs may serve again from memory",
    find: "isReady(pod) || keepsMemory(pod)",
    replace: "isReady(pod)",
  },
  {
    file: "templates/live.ts",
    removes: "no template is put back over pods that serve",
    find: "newest !== undefined && !hasServing(facts, newest)",
    replace: "newest !== undefined",
  },
  {
    file: "snapshot/rehearse-which.ts",
    removes: "what cannot be proven leaves its turn to others",
    find: "return open[at + 1] ??",
    replace: "return",
  },
  {
    file: "snapshot/rehearse-which.ts",
    removes: "a pause after each turn",
    find: "(isOver ? first : current)",
    replace: "first",
  },
  {
    file: "snapshot/rehearse-which.ts",
    removes: "both pairs are tried before the next template",
    find: "if (hasOtherPair(facts, last.digest)) return current;",
    replace: "",
  },
  {
    file: "snapshot/rehearse-which.ts",
    removes: "where nothing serves the change is proven, too",
    find: " || nothingServes(facts);",
    replace: ";",
  },
  {
    file: "snapshot/rehearse-which.ts",
    removes: "in an outage other templates have their turn",
    find: "...(lost ? others : [])",
    replace: "...[]",
  },
  {
    file: "snapshot/rehearse-which.ts",
    removes: "a template that has no configuration for the snapshot has no turn",
    find: "VOLUME.fallback) !== undefined",
    replace: "VOLUME.fallback) !== null",
  },
  {
    file: "laws/refused-plan.ts",
    removes: "what is left of a refused plan touches no pod",
    find: "plan.steps.filter((step) => !touchesPods(step))",
    replace: "plan.steps",
  },
  {
    file: "laws/refused-plan.ts",
    removes: "what is left is judged again",
    find: "brokenInvariants(facts, rest).length === 0 ? rest.steps : []",
    replace: "rest.steps",
  },
  {
    file: "laws/refused-plan.ts",
    removes: "a refused plan moves no mode",
    find: "status: modeAsBefore(facts, plan.status)",
    replace: "status: plan.status",
  },
  {
    file: "laws/invariants.ts",
    removes: "the law of another template",
    find: "!isTrafficApply(step) || isProven(",
    replace: "true || isProven(",
  },
  {
    file: "laws/invariants.ts",
    removes: "the law of what is given up",
    find: "step.from - step.to <= broken",
    replace: "true",
  },
  {
    file: "laws/invariants.ts",
    removes: "the law of a template that is put back",
    find: '"restoreTemplate" || mayPutBack(facts)',
    replace: '"restoreTemplate" || true',
  },
  {
    file: "laws/invariants.ts",
    removes: "the law of what is published",
    find: "told.every((proof) => recorded.includes(proof))",
    replace: "true",
  },
];
