// What is said, and what does not start, where somebody else's object takes pods of a group.
import { expect, test } from "vitest";
import type { NeighbourFact } from "../../../operator/domain/facts/neighbours.ts";
import { done, fromSnapshot, healthy, held, inMode, type Loose, lose, planOf, told } from "../deciding.ts";

const other = (kind: NeighbourFact["kind"], more: Partial<NeighbourFact> = {}): NeighbourFact => ({
  kind,
  name: "theirs",
  wanted: [],
  live: [],
  meant: false,
  unready: false,
  ...more,
});
const hpa = (scales: string) => other("HorizontalPodAutoscaler", { scales });

const beside = (...seen: NeighbourFact[]) => {
  const { facts } = healthy();
  facts.neighbours = { seen, unread: [] };
  return facts;
};
const conditionOf = (facts: Loose) =>
  planOf(facts, held(facts, "Reachable", 1_000)).status.conditions?.find(({ type }) => type === "SelectedByOthers");

test.for<[string, NeighbourFact[], string | undefined, RegExp]>([
  ["nobody", [], undefined, /^$/],
  [
    "a Service takes the traffic pods",
    [other("Service", { wanted: ["traffic"] })],
    "ServiceSelectsPods",
    /^Service "theirs" selects the traffic pods: they receive its requests\. Change its selector, or the labels in the podTemplate$/,
  ],
  [
    "a further Service of the user's own, by Holdfast's labels",
    [other("Service", { wanted: ["traffic"], meant: true })],
    undefined,
    /^$/,
  ],
  [
    "one by Holdfast's labels that takes the exporter, too",
    [other("Service", { wanted: ["traffic", "backup"], meant: true })],
    "ServiceSelectsPods",
    /selects the backup pod, which listens on no port\. A readiness gate keeps requests away from it/,
  ],
  [
    "a Service that takes pods before they are ready",
    [other("Service", { wanted: ["backup"], unready: true })],
    "ServiceSelectsPods",
    /publishes pods that are not ready: requests to that pod fail.* No backup pod is started/,
  ],
  [
    "throw-away pods are never ready, so a Service sends them nothing",
    [other("Service", { wanted: ["rehearsal", "witness"] })],
    undefined,
    /^$/,
  ],
  [
    "but where it takes pods that are not",
    [other("Service", { wanted: ["rehearsal", "witness"], unready: true })],
    "ServiceSelectsPods",
    /selects rehearsal, canary and witness pods and publishes pods that are not ready/,
  ],
  [
    "pods with labels of a former version alone",
    [other("Service", { live: ["traffic"] })],
    "ServiceSelectsPods",
    /Only pods with labels of a former version are selected.*annotate GatewayGroup "edge" with holdfast\.dev\/restart-at/,
  ],
  [
    "a second budget",
    [other("PodDisruptionBudget", { wanted: ["traffic"] })],
    "BudgetSelectsPods",
    /^PodDisruptionBudget "theirs" selects the traffic pods, as PodDisruptionBudget "edge" does: Kubernetes refuses to evict a pod with two budgets, so a drain of its node fails\. Leave one of the two out$/,
  ],
  [
    "a budget that counts the exporter",
    [other("PodDisruptionBudget", { wanted: ["backup"] })],
    "BudgetSelectsPods",
    /^PodDisruptionBudget "theirs" counts the backup pod of this group/,
  ],
  [
    "an autoscaler of the child",
    [hpa("edge")],
    "AutoscalerOnChild",
    /^HorizontalPodAutoscaler "theirs" scales Deployment "edge", which Holdfast scales: each undoes what the other writes, and no move of pods begins\. Set its scaleTargetRef to GatewayGroup "edge"$/,
  ],
  ["an autoscaler of the exporter", [hpa("edge-backup")], "AutoscalerOnChild", /remove the autoscaler/],
  ["an autoscaler of somebody's Deployment on a name of ours", [hpa("edge-other")], undefined, /^$/],
  [
    "a workload",
    [other("StatefulSet", { wanted: ["traffic", "canary"] })],
    "WorkloadSelectsPods",
    /^The selector of StatefulSet "theirs" matches pods of this group \(traffic, canary\)/,
  ],
  [
    "several: the worst first",
    [other("Deployment", { wanted: ["traffic"] }), other("Service", { wanted: ["traffic"] }), hpa("edge")],
    "AutoscalerOnChild",
    /^HorizontalPodAutoscaler .*Service .*The selector of Deployment/,
  ],
  [
    "many: a few are named",
    Array.from({ length: 30 }, (_, index) => other("Service", { name: `s${index}`, wanted: ["traffic"] })),
    "ServiceSelectsPods",
    /25 more objects do so$/,
  ],
])("told: %s", ([, seen, reason, message]) => {
  const facts = beside(...seen);
  const condition = conditionOf(facts);
  expect(condition?.reason).toBe(reason);
  expect(condition?.message ?? "").toMatch(message);
  const { events, broken } = planOf(facts, held(facts, "Reachable", 1_000));
  expect(broken).toEqual([]);
  expect(events.map((event) => event.reason)).toEqual(reason === undefined ? [] : [reason]);
});

test("without a budget of Holdfast's own, somebody's is the only one, and two of them are one too many", () => {
  const ours = beside(other("PodDisruptionBudget", { wanted: ["traffic"] }));
  expect(conditionOf(ours)?.reason).toBe("BudgetSelectsPods");
  const two = beside(...["a", "b"].map((name) => other("PodDisruptionBudget", { name, wanted: ["traffic"] })));
  expect(conditionOf(two)?.message).toMatch(/"a" selects .*\. PodDisruptionBudget "b" selects/);
});

/** The exporter's pod template as applied; undefined where it is not written. */
const exporter = (facts: Loose, lost = false): Loose => {
  const plan = planOf(facts, held(facts, lost ? "Unreachable" : "Reachable", 1_000));
  expect(plan.broken).toEqual([]);
  const step = plan.steps.find(
    (one) => one.do === "apply" && one.object.metadata.name === "edge-backup" && one.object.kind === "Deployment",
  );
  return step;
};
const TAKEN = other("Service", { wanted: ["backup"] });
const gatesOf = (step: Loose) => step.object.spec.template.spec.readinessGates;
const withoutBackup = (facts: Loose) => {
  facts.children.byName = new Map(facts.children.byName);
  facts.children.byName.delete("Deployment/edge-backup");
  return facts;
};

test.for([false, true])(
  "an exporter that a Service selects is kept out of it by a gate, control plane lost: %s",
  (lost) => {
    const facts = beside(TAKEN);
    if (lost) lose(facts);
    const step = exporter(facts, lost);
    expect(gatesOf(step)).toEqual([{ conditionType: "holdfast.dev/never-serves" }]);
    expect(step.why).toContain("a Service selects the backup pod");
    facts.children.byName.set("Deployment/edge-backup", step.object);
    expect(exporter(facts, lost), "once").toBeUndefined();
    facts.neighbours.unread = ["Service"];
    facts.neighbours.seen = [];
    expect(exporter({ ...facts }, lost), "unknown: as it is").toBeUndefined();
    facts.neighbours.unread = ["StatefulSet"];
    const back = exporter({ ...facts }, lost);
    expect(gatesOf(back)).toBeUndefined();
    expect(back.why).toBe("no Service selects the backup pod any more");
  },
);

test("without such a Service the exporter is ready as any pod: a Deployment that is never available is an alert", () => {
  expect(gatesOf(exporter(withoutBackup(beside())))).toBeUndefined();
});

test("Services that cannot be read change no exporter that runs without a gate", () => {
  const facts = beside();
  facts.neighbours.unread = ["Service"];
  expect(exporter(facts)).toBeUndefined();
});

test.for<[string, NeighbourFact, boolean]>([
  ["a Service that takes what is ready", TAKEN, true],
  ["a Service that takes what is not ready", { ...TAKEN, unready: true }, false],
  ["one that takes only pods of a former version", { ...TAKEN, wanted: [], live: ["backup"], unready: true }, true],
])("an exporter is made beside %s", ([, one, made]) => {
  expect(exporter(withoutBackup(beside(one))) !== undefined).toBe(made);
});

test("an exporter that runs is not ended for a Service that takes what is not ready", () => {
  const facts = beside({ ...TAKEN, unready: true });
  expect(done(planOf(facts, held(facts, "Reachable", 1_000)))).not.toContain("delete edge-backup");
});

/** A return under way: pods serve from the snapshot, and are to be replaced. */
const returning = (...seen: NeighbourFact[]) => {
  const facts = beside(...seen);
  inMode(facts, "ToNormal", 60_000);
  fromSnapshot(facts);
  return facts;
};
const moves = (facts: Loose) => {
  const plan = planOf(facts, held(facts, "Reachable", 600_000));
  expect(plan.broken).toEqual([]);
  return { steps: done(plan).filter((step) => step.startsWith("scale")), held: told(plan, "Held") };
};

test.for<[string, NeighbourFact[], boolean]>([
  ["nobody", [], true],
  ["an autoscaler of the same Deployment", [hpa("edge")], false],
  ["an autoscaler of the exporter", [hpa("edge-backup")], true],
  ["a second budget: a move evicts nothing", [other("PodDisruptionBudget", { wanted: ["traffic"] })], true],
  ["a Service", [other("Service", { wanted: ["traffic"] })], true],
])("a move of pods begins beside %s", ([, seen, begins]) => {
  expect(moves(returning(...seen))).toEqual(
    begins ? { steps: ["scale 2 -> 3"], held: undefined } : { steps: [], held: "AutoscalerOnChild" },
  );
});

test("a move that is half way goes on", () => {
  const facts = returning(hpa("edge"));
  facts.children.traffic.replicas = 3;
  facts.pods.push({
    ...structuredClone(facts.pods[0]),
    name: "new",
    uid: "new",
    start: { choice: "normal", reason: "ControlPlaneAnswered", finishedMs: facts.nowMs, absent: [] },
  });
  const plan = planOf(facts, held(facts, "Reachable", 600_000));
  expect(done(plan).some((step) => /^(markPod|scale 3 -> 2)/.test(step))).toBe(true);
});
