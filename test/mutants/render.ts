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
  {
    file: "desired/traffic.ts",
    removes: "a pod takes no requests before its gateway has loaded",
    find: "startupProbe: { exec: { command: [...profile.loadedCommand] }, ...UNTIL_LOADED },",
    replace: "",
    shownBy: {
      file: "test/domain/desired/pods.test.ts",
      title: "a roll starts a pod before it ends one, and a pod drains before it ends",
    },
  },
  {
    file: "desired/traffic.ts",
    removes: "another way to ask whether it has loaded costs no proof",
    find: "startupProbe: _gate, ",
    replace: "",
    shownBy: {
      file: "test/domain/desired/traffic-template.test.ts",
      title: "is a proof lost with a change of it? %s: %s",
    },
  },
  {
    file: "desired/pod-template-rules.ts",
    removes: "nobody replaces the question whether it has loaded",
    find: "[liveness, startup, readiness, gracePeriod]",
    replace: "[liveness, readiness, gracePeriod]",
    shownBy: { file: "test/domain/desired/pod-template-rules.test.ts", title: "refused for traffic pods: %s" },
  },
];
