import type { Mutant } from "./mutants.ts";

const m = (file: string, removes: string, find: string, replace: string): Mutant => ({ file, find, replace, removes });

/** What people write: overrides that cannot be read, and approvals that count once. */
export const WORDS: readonly Mutant[] = [
  m("mode/orders.ts", "an override that cannot be read holds", 'return { order: "Hold", from, ...problem };', ""),
  m("mode/mode.ts", "held by it, only status is written", '"OverrideInvalid", "WatchesBlind"', '"WatchesBlind"'),
  m("mode/orders.ts", "no month has 31 days more", "Number(day) <= lastDay ?", "true ?"),
  m("mode/orders.ts", "whatever it was, it has ended", "if (untilMs <= nowMs)", "if (false)"),
  m("mode/approvals.ts", "an approval is for one group", "facts.group.uid.slice(0, 8)", '"uid-grou"'),
  m(
    "mode/approvals.ts",
    "an approval names the epoch",
    'given(facts, "approveReturn") === returnValue(facts, facts.group.status.epoch ?? 0);',
    '/^\\d/.test(given(facts, "approveReturn"));',
  ),
  m(
    "mode/approvals.ts",
    "the approval of a return is used when it ends",
    'facts.group.status.mode === "ToNormal" &&',
    "false &&",
  ),
  m("mode/approvals.ts", "one that came before the question is used", " || did.asksAnew", ""),
  m("mode/approvals.ts", "an approval is used up within its epoch", "used?.[1] === String(epoch) ?", "false ?"),
  m("mode/approvals.ts", "an acceptance counts once", "Number(used?.[1] ?? 0) + 1", "1"),
  m(
    "mode/approvals.ts",
    "a pair that is verified uses its acceptance",
    "verifies !== snapshot?.digest && ",
    "false && ",
  ),
  m("mode/approvals.ts", "an approval taken at rest is used", "did.returned || ended ||", "ended ||"),
  m("mode/approvals.ts", "an approval ends with its reason", "did.returned || ended ||", "did.returned ||"),
  m("mode/approvals.ts", "another format is refused", "FORMAT[which].test(value)", "true"),
  m(
    "situation.ts",
    "a drop that is still to come uses no acceptance",
    "isDrop(facts, live) ? undefined :",
    "false ? undefined :",
  ),
  m("mode/record.ts", "what Observe would do is recorded once", "if (stands && wouldHave[0]?.to === to)", "if (false)"),
  m("mode/record.ts", "another direction is another move", "stands && wouldHave[0]?.to === to", "stands"),
  m("mode/record.ts", "it is counted on", "(wouldHave[0]?.count ?? 0) + 1", "wouldHave.length + 1"),
  m(
    "status/recorded.ts",
    "a status speaks of the mode that it records",
    "step.move?.to ?? situation.mode",
    "situation.mode",
  ),
  m("status/recorded.ts", "and of its reason", "step.move?.reason ??", ""),
  m(
    "status/kstatus.ts",
    "with a move something is left to do",
    "if (step.move) return",
    "if (false as boolean) return",
  ),
  m(
    "status/status.ts",
    "a new mode has no motion that failed",
    "input.motionProblem && !step.move",
    "input.motionProblem",
  ),
  m("status/status.ts", "blind, the watch is named", "isBlind(facts) ? blindText(facts) :", ""),
  m(
    "laws/refused-plan.ts",
    "a move that was refused is not spoken of",
    "plan.recordsMode ? ofTheModeBefore",
    "false ? ofTheModeBefore",
  ),
  m("status/summary.ts", "an emptied control plane is not calm", "return lacks ?", "return false ?"),
];
