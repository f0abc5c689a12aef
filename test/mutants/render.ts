import type { Mutant } from "./mutants.ts";

export const RENDER: readonly Mutant[] = [
  {
    file: "motion/candidates.ts",
    removes: "a pod with keys that do not fit is replaced where one like it was seen to load",
    find: "lacksKeys(pod, facts.nowMs) && isProvenSince(pod, facts)",
    replace: "lacksKeys(pod, facts.nowMs)",
  },
  {
    file: "motion/candidates.ts",
    removes: "one that found no keys never counts restarts of its gateway",
    find: " || (isNotUp(pod) && startsInVain(pod.start ?? NOTHING_CHOSEN))",
    replace: "",
  },
  {
    file: "motion/candidates.ts",
    removes: "a proof of another template says nothing",
    find: "key === pod.proofKey && Date.parse(at)",
    replace: "Date.parse(at)",
  },
  {
    file: "choice.ts",
    removes: "without keys and control plane no gateway is started",
    find: 'choice === "fallback" && absent.includes("readerKeys")',
    replace: "false",
  },
];
