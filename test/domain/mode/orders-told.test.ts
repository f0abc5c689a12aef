/** What a group says of itself: the whole sentence of a condition, with the field, the value and the way out. */
import { expect, test } from "vitest";
import { done, healthy, held, inMode, type Loose, lose, planOf, told } from "../deciding.ts";

const conditionOf = (facts: Loose, type: string, memory = held(facts, "Reachable", 5_000)): Loose =>
  planOf(facts, memory).status.conditions?.find((condition) => condition.type === type);
const override = (facts: Loose, word: string): void => {
  facts.group.annotations = { "holdfast.dev/override": word };
};
const FALLBACK = "Fallback until=2030-01-01T00:00:00Z";

/** Without a proof, or where the license ended it: with a control plane that answers, and with one that is lost. */
test.for<[string, (facts: Loose) => void, RegExp]>([
  ["nothing is proven", (f) => (f.group.status.snapshot.proofs = []), /no snapshot is proven: The verified snapshot/],
  ["the store is empty", (f) => noVerified(f), /no snapshot is proven: The backup pod has not exported yet/],
  [
    "the store cannot be read",
    (f) => (f.snapshot.verified = { seen: "unknown", reason: "StorageUnavailable", why: "HTTP 503" }),
    /no snapshot is proven: HTTP 503$/,
  ],
  [
    "the store refuses the reader's keys",
    (f) => (f.secrets.reader.problem = { reason: "StorageDenied", field: "f", message: "the store refuses them" }),
    /no snapshot is proven: the store refuses them$/,
  ],
  [
    "nothing is proven, and the control plane is lost",
    (f) => {
      lose(f);
      f.group.status.snapshot.proofs = [];
    },
    /no snapshot is proven: The verified snapshot/,
  ],
  ["it lasted a day already", (f) => ended(f, 86_399_999), /it lasted a day beside a living control plane$/],
])("Fallback is ordered and refused: %s", ([, change, why]) => {
  const { facts } = healthy();
  override(facts, FALLBACK);
  change(facts);
  const lost = facts.controlPlane.operator.view === "down";
  const plan = planOf(facts, held(facts, lost ? "Unreachable" : "Reachable", 600_000));
  expect(plan.broken).toEqual([]);
  expect(plan.recordsMode).toBe(false);
  expect(done(plan).filter((step) => /^(scale|deletePod|markPod)/.test(step))).toEqual([]);
  const condition = plan.status.conditions?.find(({ type }) => type === "Held");
  expect(condition).toMatchObject({ status: "True", reason: "OverrideRefused" });
  expect(condition?.message).toMatch(/^Fallback was ordered and is refused: /);
  expect(condition?.message).toMatch(why);
  expect(plan.events).toContainEqual(expect.objectContaining({ type: "Warning", reason: "OverrideRefused" }));
  expect(plan.status.summary).toContain("Held: Fallback was ordered and is refused");
});

test("Fallback is ordered, and what is proven is merely old: it goes", () => {
  const { facts } = healthy();
  override(facts, FALLBACK);
  facts.snapshot.raw.ageMs = 4_000_000;
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  expect([plan.status.mode, plan.status.modeReason]).toEqual(["ToFallback", "OrderedFallback"]);
});

test.for([
  ["Fallback", "Fallback"],
  ["an end that is no time", "Hold until=tomorrow"],
  ["a date alone", "Normal until=2030-01-01"],
  ["another word", "fallback until=2030-01-01T00:00:00Z"],
  ["a day that no month has", "Hold until=2030-02-30T12:00:00Z"],
  ["a misspelt word", "Hodl until=2030-01-01T00:00:00Z"],
  ["something after it", "Hold until=2030-01-01T00:00:00Z please"],
  ["a long text is cut", `Hold ${"x".repeat(200)}`],
])("an override that cannot be read is told, and holds the group: %s", ([, word = ""]) => {
  const { facts } = healthy({ traffic: { replicas: 3 } });
  facts.group.spec.traffic.replicas = 2;
  override(facts, word);
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  const shown = word.length > 80 ? `${word.slice(0, 80)}...` : word;
  expect(plan.status.conditions).toContainEqual(
    expect.objectContaining({
      type: "Stalled",
      status: "True",
      reason: "OverrideInvalid",
      message: `metadata.annotations[holdfast.dev/override]: Cannot read the override "${shown}": write Fallback, Normal or Hold, a space, and until= with a time such as 2026-01-31T12:00:00Z, or remove the annotation. Until then the group is held: only status and events are written`,
    }),
  );
  expect([plan.recordsMode, done(plan), plan.broken]).toEqual([false, [], []]);
  expect([told(plan, "Held"), told(plan, "Ready")]).toEqual(["OverrideInvalid", "Serving"]);
  const events = plan.events.map(({ type, reason, action }) => `${type} ${reason} ${action}`);
  expect(events).toEqual(expect.arrayContaining(["Warning OverrideInvalid Held", "Warning OverrideInvalid Stalled"]));
  expect(plan.status.summary?.split("Cannot read the override").length).toBe(2); // once
  override(facts, "");
  expect(conditionOf(facts, "Stalled")).toMatchObject({ status: "False", reason: "Accepted" });
});

test.for(["writer", "reader"] as const)("refused keys of the %s are told while their Secret cannot be read", (role) => {
  const { facts } = healthy();
  const problem = { reason: "StorageDenied", field: "its field", message: "the store refuses them" };
  facts.secrets[role] = { seen: "unknown", name: "keys", why: "timeout", problem };
  const told = { status: "True", reason: "StorageDenied", message: "its field: the store refuses them" };
  expect(conditionOf(facts, "Stalled")).toMatchObject(told);
});

test("a drop of replicas that is held says field, numbers and way out; the annotation lifts it", () => {
  const { facts } = healthy({ traffic: { replicas: 5 } });
  facts.group.spec.traffic.replicas = 2;
  facts.group.replicasSetBy = "other";
  expect(conditionOf(facts, "Stalled")).toMatchObject({
    status: "True",
    reason: "ReplicasDropHeld",
    message:
      'spec.traffic.replicas: is 2, set not through the scale subresource, and Deployment "edge" has 5 replicas. 5 pods stay. If 2 is meant: annotate holdfast.dev/accept-replicas=2-1-uid-grou',
  });
  facts.children.traffic.scaledBy = "kube-controller-manager";
  expect(conditionOf(facts, "Stalled")?.["message"]).toContain(
    'has 5 replicas, set by field manager "kube-controller-manager": let it scale the GatewayGroup instead. 5 pods stay',
  );
  delete facts.children.traffic.scaledBy;
  facts.group.annotations = { "holdfast.dev/accept-replicas": "2-1-uid-grou" };
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  expect([told(plan, "Stalled"), done(plan)]).toEqual(["Accepted", expect.arrayContaining(["scale 5 -> 2"])]);
});

test.for([
  [3, "3 -> 2"],
  [1, "1 -> 2"],
] as const)("somebody else scaled the Deployment to %i: taken back with a warning that names him", ([live, change]) => {
  const { facts } = healthy();
  facts.children.traffic.replicas = live;
  const scaled = () => planOf(facts, held(facts, "Reachable", 5_000)).steps.find((step) => step.do === "scale")?.events;
  expect(scaled()).toEqual([expect.objectContaining({ type: "Normal", reason: "Scaled" })]);
  facts.children.traffic.scaledBy = "kubectl";
  expect(scaled()).toEqual([
    expect.objectContaining({
      type: "Warning",
      reason: "HandEditReverted",
      alsoOnDeployment: true,
      message: expect.stringMatching(
        `^Replicas ${change}: field manager "kubectl" set ${live} on Deployment "edge".*scale the GatewayGroup "edge" instead`,
      ),
    }),
  ]);
});

test.for<[string, (facts: Loose) => void, string, string, string]>([
  ["all serve", () => {}, "True", "Serving", "2 wanted, and as many serve"],
  [
    "one does not come up",
    (f) => Object.assign(f.pods[0], { ready: false, trouble: "ImagePullBackOff" }),
    "False",
    "PodsMissing",
    "1 of 2 traffic pods serve; pod edge-1-1: ImagePullBackOff",
  ],
  ["none is wanted", (f) => (f.group.spec.traffic.replicas = 0), "True", "ScaledToZero", "No traffic pods are wanted"],
])("the pods: %s", ([, change, status, reason, message]) => {
  const { facts } = healthy();
  change(facts);
  expect(conditionOf(facts, "Ready")).toMatchObject({ status, reason, message });
});

test("Normal is ordered in fallback: the move says so, and that it was no decision of its own", () => {
  const { facts } = healthy();
  inMode(facts, "Fallback", 60_000);
  override(facts, "Normal until=2030-01-01T00:00:00Z");
  const plan = planOf(facts, held(facts, "Reachable", 1_000));
  expect([plan.status.mode, plan.status.modeReason, plan.status.history?.[0]?.reason]).toEqual([
    "ToNormal",
    "OrderedNormal",
    "OrderedNormal",
  ]);
  expect(plan.events).toContainEqual(expect.objectContaining({ type: "Normal", reason: "OrderedNormal" }));
});

function noVerified(facts: Loose): void {
  facts.snapshot.verified = { seen: "absent" };
  facts.snapshot.raw = { seen: "absent" };
}
function ended(facts: Loose, agoMs: number): void {
  const at = new Date(facts.nowMs - agoMs).toISOString();
  facts.group.status.history = [
    { epoch: 3, from: "Fallback", to: "ToNormal", at, reason: "OrderExpired", evidence: "" },
  ];
}
