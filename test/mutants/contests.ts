import type { Mutant } from "./mutants.ts";

const m = (file: string, removes: string, find: string, replace: string): Mutant => ({ file, find, replace, removes });

/** Another writer that sets again what was taken back. */
export const CONTESTS: readonly Mutant[] = [
  m("objects/contests.ts", "a fight ends after three rounds", "const ROUNDS = 3;", "const ROUNDS = 4;"),
  m(
    "objects/contests.ts",
    "pods that serve are not removed in a fight",
    "Math.max(traffic.replicas, replicas)",
    "replicas",
  ),
  m("objects/contests.ts", "the same attempt is no second round", "known.at === writer.at", "false"),
  m(
    "objects/contests.ts",
    "a new number on the group is tried",
    "if (known.wanted !== replicas) return undefined;",
    "",
  ),
  m("objects/contests.ts", "the wanted number ends the fight", "&& !lostSurge) return", "&& false) return"),
  m("objects/contests.ts", "a surge that is taken away is a round", "(known.to ?? 0) > replicas && paused", "false"),
  m("objects/contests.ts", "pauses grow", "FIRST_PAUSE_MS * 2 **", "FIRST_PAUSE_MS + 0 *"),
  m("objects/contests.ts", "a fight is forgotten", "known.rounds >= ROUNDS && facts", "facts"),
  m("motion/motion.ts", "no pods are added before the pause is over", "if (input.raiseWaits) return;", ""),
  m(
    "decide.ts",
    "a word that is not carried out is not used up",
    "const { restartedAt: _, ...others } = plan;",
    "const others = plan;",
  ),
  m(
    "facts/current.ts",
    "clocks that were apart stay so for ten minutes",
    "< SKEW_ENDS_AFTER_MS ? before",
    "< 0 ? before",
  ),
  m("desired/relabel.ts", "a label that a webhook sets is not fought over", "!again && one.kind", "false && one.kind"),
  m(
    "decide.ts",
    "what ended is not remembered",
    "const { contests: _contests, skew: _skew, uncheckedSinceMs: _unchecked, ...others } = rest;",
    "const others = rest;",
  ),
  m(
    "evidence/unasked-check.ts",
    "a check that nobody can ask is known only after several looks",
    "facts.monoMs - sinceMs < UNASKED_AFTER_MS",
    "false",
  ),
  m(
    "evidence/unasked-check.ts",
    "a pod that has just come is not counted",
    "facts.nowMs - pod.createdMs >= UNASKED_AFTER_MS",
    "true",
  ),
];
