import { expect, test } from "vitest";
import { brokenInvariants } from "../../../operator/domain/laws/invariants.ts";
import type { Step } from "../../../operator/domain/plan.ts";
import { healthy, held, type Loose, planOf } from "../deciding.ts";

/** A group that serves with 2 pods, but for one object, which is somebody else's. */
function strange(kind: string, change: object = {}, name = "edge"): Loose {
  const { facts } = healthy();
  facts.children.byName.delete(`${kind}/${name}`);
  facts.children.strangers = [{ kind, name, adoptable: true, ...change }];
  return facts;
}
const onto = (steps: readonly Step[], id: string) =>
  steps.filter(
    (step) =>
      (step.do === "apply" || step.do === "create") && `${step.object.kind}/${step.object.metadata.name}` === id,
  ) as Extract<Step, { do: "apply" }>[];
const stalled = (plan: ReturnType<typeof planOf>) =>
  plan.status.conditions?.find((condition) => condition.type === "Stalled");

test.for<[string, Loose, string, object | undefined, string | undefined, RegExp]>([
  [
    "a Service, once all wanted pods serve: read live before",
    strange("Service"),
    "Service/edge",
    { live: { minServingAfter: 2, staying: [expect.any(String), expect.any(String)] } },
    undefined,
    /./,
  ],
  [
    "a Service while a pod is missing",
    bent(strange("Service"), (f) => (f.pods[0].ready = false)),
    "Service/edge",
    undefined,
    "AdoptionWaits",
    /2 traffic pods of this group must serve first/,
  ],
  [
    "a Service of a group that is scaled to zero",
    bent(strange("Service"), (f) => {
      f.group.spec.traffic.replicas = 0;
      f.children.traffic.replicas = 0;
      f.pods = [];
    }),
    "Service/edge",
    undefined,
    "AdoptionWaits",
    /1 traffic pods/,
  ],
  [
    "a Service under Observe",
    bent(strange("Service"), observing),
    "Service/edge",
    undefined,
    "AdoptionWaits",
    /Observe/,
  ],
  ["a budget", strange("PodDisruptionBudget"), "PodDisruptionBudget/edge", {}, undefined, /./],
  [
    "a budget under Observe",
    bent(strange("PodDisruptionBudget"), observing),
    "PodDisruptionBudget/edge",
    undefined,
    "AdoptionWaits",
    /Observe/,
  ],
  [
    "a Service that is not given",
    strange("Service", { adoptable: false }),
    "Service/edge",
    undefined,
    "NameTaken",
    /adopt-by=edge on it; 2 traffic pods/,
  ],
  [
    "the exporter's Deployment, with a selector of its own",
    strange("Deployment", { adoptable: false, otherPods: true }, "edge-backup"),
    "Deployment/edge-backup",
    undefined,
    "NameTaken",
    /selector, which cannot be changed.*delete it/,
  ],
  [
    "the traffic Deployment, with a selector of its own",
    bent(strange("Deployment", { adoptable: false, otherPods: true }), (f) => delete f.children.traffic),
    "Deployment/edge",
    undefined,
    "NameTaken",
    /selector, which cannot be changed/,
  ],
  [
    "the traffic Deployment, with ours",
    bent(strange("Deployment"), (f) => delete f.children.traffic),
    "Deployment/edge",
    {},
    undefined,
    /./,
  ],
])("somebody else's object: %s", ([, facts, id, adopt, reason, message]) => {
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  expect(plan.broken).toEqual([]);
  expect(onto(plan.steps, id).map((step) => step.adopt)).toEqual(adopt ? [adopt] : []);
  expect(stalled(plan)).toMatchObject(
    reason ? { reason, message: expect.stringMatching(message) } : { reason: "Accepted" },
  );
});

test("a plan that takes over a Service without pods behind it breaks a law", () => {
  const facts = strange("Service");
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  const steps = plan.steps.map((step) => ("adopt" in step ? { ...step, adopt: {} } : step));
  expect(brokenInvariants(facts, { ...plan, steps })).toEqual([expect.stringContaining("Service of somebody else")]);
});

function bent(facts: Loose, change: (facts: Loose) => unknown): Loose {
  change(facts);
  return facts;
}
function observing(facts: Loose): void {
  facts.group.spec.modePolicy = "Observe";
}
