import type { Mutant } from "./mutants.ts";

const m = (file: string, removes: string, find: string, replace: string): Mutant => ({ file, find, replace, removes });

/** What is expected of a control plane is a state: each place that asks it, and what keeps it. */
export const EXPECT_MUTANTS: readonly Mutant[] = [
  m(
    "mode/return.ts",
    "no return to a control plane that lacks what is expected",
    "if (isLacking(expectation))",
    "if (false && isLacking(expectation))",
  ),
  m("mode/return.ts", "no return to what was not counted", 'expectation.is === "unknown" &&', "false &&"),
  m(
    "motion/candidates.ts",
    "half way back no pod of the snapshot is given to one that lacks",
    "if (!mayFollow(expectation)) return [];",
    "",
  ),
  m(
    "motion/candidates.ts",
    "in normal mode no pod of the snapshot is given to one that lacks",
    "if (!mayFollow(expectation)) return false;",
    "",
  ),
  m("motion/candidates.ts", "a pod that would choose as before is not made anew", " && !asBefore(pod)", ""),
  m(
    "templates/template.ts",
    "no template rolls onto one that lacks",
    'verdict === "Reachable" && mayGoOnFollowing(expectation)) return',
    'verdict === "Reachable") return',
  ),
  m(
    "templates/template.ts",
    "restart-at needs a proof beside one that lacks",
    'verdict !== "Reachable" || isLacking(expectation)',
    'verdict !== "Reachable"',
  ),
  m(
    "templates/roll.ts",
    "no paused roll goes on onto one that lacks",
    "isBack && mayGoOnFollowing(expectation)",
    "isBack",
  ),
  m(
    "templates/roll.ts",
    "a roll waits beside one that lacks, in any mode",
    "!inFallback(input) && mayGoOnFollowing(expectation)",
    "!inFallback(input)",
  ),
  m("templates/roll.ts", "one that follows counts for a roll", "(recorded && !isLacking(expectation))", "true"),
  m(
    "templates/roll.ts",
    "a paused roll goes on from the snapshot in fallback",
    "newest && older.length > 0 && !mayFollow",
    "false && !mayFollow",
  ),
  m(
    "templates/roll.ts",
    "a roll that waits is put back once nothing of it serves",
    "live.paused ? keepsNothing(facts, newest) :",
    "live.paused ? false :",
  ),
  m("templates/roll.ts", "where nothing serves nothing waits", "if (nothingServes(facts)) return", "if (false) return"),
  m("templates/live.ts", "a pod that follows is of no snapshot", ' && pod.start?.choice === "normal")', " && false)"),
  m("decide.ts", "in a roll the control plane is counted", "doubted || back || rolls", "doubted || back"),
  m(
    "situation.ts",
    "a pod that followed it serves nothing once it is lost",
    "if (!isLacking(expectation) || lostMs",
    "if (true || lostMs",
  ),
  m("situation.ts", "a pod whose route answers did not follow", ' && check !== "pass"', ""),
  m(
    "snapshot/published.ts",
    "made anew, what is published stays",
    "if (recorded?.proofs === undefined) return takenOver(facts, elsewhere);",
    "if (recorded?.proofs === undefined) return {};",
  ),
  m(
    "evidence/expectation.ts",
    "unknown never ends it",
    'shrunken !== undefined || before?.state === "Regressed"',
    "shrunken !== undefined",
  ),
  m("evidence/expectation.ts", "an export tells of what nobody can count", "shrunken !== undefined ||", ""),
  m(
    "evidence/expectation.ts",
    "Foreign stays until an export is this group's",
    'before?.state === "Foreign" && usable(snapshot.raw) === undefined',
    "false",
  ),
  m(
    "evidence/expectation.ts",
    "a pair that was not read is not none",
    'usable(snapshot.verified)?.counts ?? "unknown"',
    'usable(snapshot.verified)?.counts ?? "nothing"',
  ),
  m(
    "evidence/expectation.ts",
    "what was lost is counted anew",
    "(lost && wasExpected(facts)) || expectation.sinceLoss ?",
    "expectation.sinceLoss ?",
  ),
  m(
    "evidence/expectation.ts",
    "counts speak only of one that answers",
    'controlPlane.operator.view === "readsOk" ?',
    "true ?",
  ),
  m("choice.ts", "one that holds nothing has not answered", "return count === 0 ||", "return"),
  m("choice.ts", "one that is recorded to lack has not answered", "count === 0 || (", "count === 0 && ("),
  m("choice.ts", "what a person took for good is followed", 'if (content === "Accepted") return false;', ""),
  m(
    "evidence/expectation.ts",
    "what was never expected is waited for by nobody",
    "(lost && wasExpected(facts)) ||",
    "lost ||",
  ),
  m(
    "evidence/expectation.ts",
    "a return's approval accepts nothing that is lost on the way",
    "approved: asked && returnApproved(facts)",
    "approved: returnApproved(facts)",
  ),
  m(
    "templates/template.ts",
    "a refused spec keeps no roll from waiting or going on",
    "if (isKept) return { steps: unpause(input, live) };",
    "if (isKept) return { steps: [] };",
  ),
];
