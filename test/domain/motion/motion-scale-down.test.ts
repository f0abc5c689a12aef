// Fewer pods are wanted. What serves now is given up only where it could be had again.
import { expect, test } from "vitest";
import { done, healthy, held, inMode, type Loose, lose, planOf, told } from "../deciding.ts";
import { motion } from "./motion-facts.ts";

const view =
  (operator: object, vote = "disconnected") =>
  (facts: Loose) => {
    facts.controlPlane = { operator };
    for (const pod of facts.pods) pod.vote = vote;
  };

/** The first look at which the control plane is not Reachable, whoever says so. */
const FIRST_LOOK: [string, (facts: Loose) => void, "Unreachable" | "Unknown"][] = [
  ["lost for everybody", lose, "Unreachable"],
  ["its database is down", view({ view: "serverError", detail: "503" }), "Unreachable"],
  [
    "its database is down, as Holdfast alone says",
    view({ view: "serverError", detail: "503" }, "connected"),
    "Unknown",
  ],
  ["slow", view({ view: "readTimeout", detail: "8 s" }), "Unknown"],
  ["gone, and no gateway can be asked", view({ view: "down", detail: "refused" }, "unknown"), "Unknown"],
  ["gone for Holdfast alone", view({ view: "down", detail: "refused" }, "connected"), "Unknown"],
  ["no route", view({ view: "noRoute", detail: "EHOSTUNREACH" }), "Unreachable"],
  ["it refuses the certificate", view({ view: "misconfigured", detail: "401" }, "unknown"), "Unknown"],
  ["not asked yet", view({ view: "unknown", detail: "the first probe" }, "unknown"), "Unknown"],
];

/** Six pods serve, two are wanted from now on. */
function fewer(change: (facts: Loose) => void): Loose {
  const { facts } = healthy({ traffic: { replicas: 6 } });
  facts.group.spec.traffic.replicas = 2;
  change(facts);
  return facts;
}
const scaled = (facts: Loose, ms: number, word: "Reachable" | "Unreachable" | "Unknown") => {
  const plan = planOf(facts, held(facts, word, ms));
  expect([plan.broken, plan.status.controlPlane?.verdict]).toEqual([[], word]);
  return { steps: motion(done(plan)), reconciling: told(plan, "Reconciling"), held: told(plan, "Held") };
};
const noProof = (facts: Loose) => (facts.group.status.snapshot.proofs = []);

test.for(FIRST_LOOK)(
  "no proof, control plane: %s: four pods that serve stay from the first look on",
  ([, see, word]) => {
    const facts = fewer((f) => [noProof(f), see(f)]);
    const reconciling = word === "Unknown" ? "ScaleDownWaits" : "WaitingOutage";
    expect(scaled(facts, 0, word)).toEqual({ steps: [], reconciling, held: undefined });
  },
);

test.for(FIRST_LOOK)(
  "a proof is at hand, control plane: %s: they go, as one that starts would come up",
  ([, see, word]) => {
    expect(scaled(fewer(see), 0, word).steps).toEqual(["scale 6 -> 2"]);
  },
);

test.for<[string, (facts: Loose) => void]>([
  ["no proof", noProof],
  [
    "the store cannot be read",
    (f) => (f.snapshot.verified = { seen: "unknown", reason: "StorageUnavailable", why: "x" }),
  ],
])("%s: while the control plane answers, fewer are fewer", ([, change]) => {
  expect(scaled(fewer(change), 5_000, "Reachable").steps).toEqual(["scale 6 -> 2"]);
});

test.for<[string, number, string[]]>([
  ["four of six are not ready: they go", 4, ["scale 6 -> 2"]],
  ["three of six are not ready: one that serves would go with them", 3, []],
])("no proof, control plane slow, %s", ([, broken, steps]) => {
  const facts = fewer((f) => {
    noProof(f);
    view({ view: "readTimeout", detail: "8 s" })(f);
    for (const pod of f.pods.slice(0, broken)) Object.assign(pod, { ready: false, vote: "unknown" });
  });
  expect(scaled(facts, 0, "Unknown").steps).toEqual(steps);
});

test("once the loss counts, it is told as Held; nothing is told of a pause that ends before", () => {
  const lost = fewer((f) => [noProof(f), lose(f)]);
  expect(scaled(lost, 60_000, "Unreachable")).toEqual({ steps: [], reconciling: "ScaleDownWaits", held: "NoProof" });
  const slow = fewer((f) => [noProof(f), view({ view: "readTimeout", detail: "8 s" })(f)]);
  const { events } = planOf(slow, held(slow, "Reachable", 5_000));
  expect(events.map(({ reason }) => reason)).toEqual(["ControlPlaneSlow", "Unproven"]);
});

test("evictions are forbidden from the recorded loss on, as before: a moment of doubt blocks no drain", () => {
  const budget = (ms: number) => {
    const facts = fewer((f) => [noProof(f), lose(f)]);
    const step = planOf(facts, held(facts, "Unreachable", ms)).steps.find(
      (one) => one.do === "apply" && one.object.kind === "PodDisruptionBudget",
    ) as Loose;
    return step?.object.spec.maxUnavailable;
  };
  expect([budget(1_000), budget(60_000)]).toEqual([undefined, 0]);
});

test("in fallback, and the store cannot be read for a moment beside an unseen control plane: what serves stays", () => {
  const facts = fewer((f) => {
    inMode(f, "Fallback", 60_000);
    lose(f);
    f.snapshot.verified = { seen: "unknown", reason: "StorageUnavailable", why: "x" };
  });
  expect(scaled(facts, 1_000, "Unreachable").steps).toEqual([]);
});
