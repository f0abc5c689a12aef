import { expect, test } from "vitest";
import { brokenInvariants } from "../../../operator/domain/laws/invariants.ts";
import { refusedPlan } from "../../../operator/domain/laws/refused-plan.ts";
import type { Plan, Step } from "../../../operator/domain/plan.ts";
import { done, healthy, held, type Loose, lose, planOf, told } from "../deciding.ts";

/** A defect: something that breaks a law gets into a plan that is good otherwise. */
const ROGUE: Step = { do: "scale", name: "edge", from: 2, to: 1, resourceVersion: "1", why: "a defect" };
const LAW = "replicas are lowered only with a floor that is read live, and while one ReplicaSet alone has pods";

function refused(
  change: (facts: Loose) => void,
  bend: (plan: Plan) => Plan,
): { facts: Loose; plan: Plan; laws: string[] } {
  const { facts } = healthy();
  change(facts);
  const word = facts.controlPlane.operator.view === "readsOk" ? "Reachable" : "Unreachable";
  const drawn = bend(planOf(facts, held(facts, word, 60_000)));
  const laws = brokenInvariants(facts, drawn);
  return { facts, plan: refusedPlan(facts, drawn, laws), laws };
}
const withRogue = (plan: Plan): Plan => ({ ...plan, steps: [...plan.steps, ROGUE] });
const unproven = (facts: Loose) => (facts.group.status.snapshot.proofs = []);

test("what would break a law is not done; the rehearsal beside it is, and people are told with the law", () => {
  const { facts, plan, laws } = refused(unproven, withRogue);
  expect(laws).toEqual([LAW]);
  expect([brokenInvariants(facts, plan), plan.recordsMode]).toEqual([[], false]);
  expect(done(plan).filter((step) => /rehearsal|scale/.test(step))).toEqual([
    expect.stringMatching(/^create Pod\/edge-rehearsal/),
  ]);
  expect(plan.status.conditions?.find(({ type }) => type === "Held")).toMatchObject({
    status: "True",
    reason: "PlanRefused",
    message: expect.stringContaining(LAW),
  });
  expect(plan.status.summary).toContain(LAW);
  expect(plan.events.filter(({ reason }) => reason === "PlanRefused")).toMatchObject([
    { type: "Warning", action: "Held", alsoOnDeployment: true },
  ]);
});

test("a refusal that lasts is told once", () => {
  const { facts, plan, laws } = refused(unproven, withRogue);
  facts.group.status = plan.status;
  const again = refusedPlan(facts, withRogue(planOf(facts, held(facts, "Reachable", 60_000))), laws);
  expect(again.events.filter(({ action }) => action === "Held")).toEqual([]);
  expect(again.status.conditions).toEqual(plan.status.conditions);
});

test("a move that breaks a law is not recorded, and not told as if it were", () => {
  const { facts, plan } = refused(lose, (drawn) => {
    expect(drawn.status.mode).toBe("ToFallback");
    return { ...drawn, status: { ...drawn.status, epoch: 9 } };
  });
  const { mode, modeReason, modeSince, epoch, history, penalty } = facts.group.status;
  expect([plan.recordsMode, plan.steps]).toEqual([false, []]);
  expect(plan.status).toMatchObject({ mode, modeReason, modeSince, epoch, history });
  expect(plan.status.penalty).toEqual(penalty);
  expect(plan.events.map(({ reason }) => reason)).not.toContain("ControlPlaneUnreachable");
  expect(told(plan, "Held")).toBe("PlanRefused");
});

test.for<[string, (facts: Loose) => void]>([
  ["suspended", (f) => (f.group.spec.suspend = true)],
  ["on caches that may be out of date", (f) => (f.watches.staleForMs = 110_000)],
])("where only status may be written, nothing else is left: %s", ([, change]) => {
  const config: Step = {
    do: "apply",
    object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" } },
    why: "x",
  };
  const { plan } = refused(change, (drawn) => ({ ...drawn, steps: [config, ROGUE] }));
  expect([plan.steps, told(plan, "Held")]).toEqual([[], "PlanRefused"]);
});

test("a person's word is not used up by a step that is not done", () => {
  const word = "2026-01-01T00:00:00Z";
  const { plan } = refused(
    (facts) => {
      facts.group.annotations["holdfast.dev/restart-at"] = word;
      facts.group.spec.gateway.resources = { limits: { cpu: "7" } };
    },
    (drawn) => {
      expect(drawn.status.restartedAt).toBe(word);
      return withRogue(drawn);
    },
  );
  expect([plan.status.restartedAt, done(plan).includes("apply Deployment/edge")]).toEqual([undefined, false]);
});
