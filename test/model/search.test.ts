// The search itself: it finds what a decision does wrong, and says the same each time.
import { expect, test } from "vitest";
import { decide } from "../../operator/domain/decide.ts";
import type { Plan, Step } from "../../operator/domain/plan.ts";
import { Search, type Theme } from "./search.ts";
import { THEMES } from "./themes.ts";

const themed = (name: string): Theme => {
  const theme = THEMES.find((one) => one.name === name);
  if (!theme) throw new Error(`no theme "${name}"`);
  return theme;
};
type Decide = typeof decide;
const bent =
  (bend: (plan: Plan, facts: Parameters<Decide>[0]) => Partial<Plan>): Decide =>
  (facts, memory) => {
    const decided = decide(facts, memory);
    return { ...decided, plan: { ...decided.plan, ...bend(decided.plan, facts) } };
  };

const scaledTo = (to: number): Decide =>
  bent((plan, { children: { traffic } }) => {
    if (plan.recordsMode || !traffic || traffic.replicas <= to) return {};
    const { name, replicas: from, resourceVersion } = traffic;
    const live = { minServingAfter: 0, staying: [] };
    const step: Step = { do: "scale", name, from, to, resourceVersion, why: "planted", live };
    return { steps: [step] };
  });

/** What a person would call the fault, the decision with it, where it shows, and the law that it breaks. */
const PLANTED: readonly (readonly [string, Decide, string, string])[] = [
  ["serving pods are given up", scaledTo(1), "content, 2 pods, OnRestart", "a pod that serves content is taken only"],
  [
    "the operator is believed against all gateways",
    bent((plan, { controlPlane, group }) =>
      controlPlane.operator.view === "down" && group.status.mode === "Normal" && plan.status.controlPlane
        ? {
            recordsMode: true,
            steps: [],
            status: {
              ...plan.status,
              controlPlane: { ...plan.status.controlPlane, verdict: "Unreachable" },
              mode: "ToFallback",
              modeReason: "ControlPlaneUnreachable",
              epoch: (group.status.epoch ?? 0) + 1,
            },
          }
        : {},
    ),
    "witnesses, 2 pods, Rolling",
    "no group flips by itself while the control plane answers every gateway",
  ],
  [
    "no group ever leaves fallback",
    (facts, memory) => {
      const decided = decide(facts, memory);
      return decided.plan.status.mode === "ToNormal"
        ? { memory, plan: { ...decided.plan, status: facts.group.status, recordsMode: false, steps: [] } }
        : decided;
    },
    "content, 2 pods, OnRestart",
    "stuck: with the world healthy from then on",
  ],
  [
    "pods that cannot start are left alone",
    bent((plan) => ({ steps: plan.steps.filter((step) => step.do !== "deletePod") })),
    "disaster, 2 pods, OnRestart",
    "stuck: without the control plane and with a good pair in the store",
  ],
];

test.for(PLANTED)("a planted fault is found, with the way to it: %s", { timeout: 120_000 }, ([, wrong, theme, law]) => {
  const { found } = new Search(themed(theme), {
    states: 150,
    cureEach: law.startsWith("stuck") ? 10 : 1_000,
    decide: wrong,
  }).run();
  const one = found.find((each) => each.law.startsWith(law));
  expect(found.map((each) => each.law).join("\n")).toContain(law);
  expect(one?.history.length).toBeGreaterThan(1);
});

test("two searches of one theme find the same states in the same order", { timeout: 120_000 }, () => {
  const run = () => {
    const { seconds: _, ...result } = new Search(themed("lives, 2 pods, Rolling"), { states: 120, cureEach: 30 }).run();
    return result;
  };
  expect(run()).toEqual(run());
});
