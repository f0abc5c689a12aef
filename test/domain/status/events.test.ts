/** An Event for every flip, return, Hold, refusal and restart, with its reason; and none for what was said before. */
import { expect, test } from "vitest";
import { fromSnapshot, healthy, held, inMode, type Loose, lose, planOf } from "../deciding.ts";

/** The event as people see it: type, reason, action, at the Deployment, too or not. */
type Told = [type: string, reason: string, action: string, onDeployment: boolean];
const toldBy = (events: readonly Loose[]): Told[] =>
  events.map((event) => [event.type, event.reason, event.action, event.alsoOnDeployment]);

/** A world that is not as before; what is said of it, and that it is said once. */
test.for<[string, (facts: Loose) => void, "Reachable" | "Unreachable", Told, RegExp]>([
  [
    "bad input is refused",
    (f) => (f.storage = { seen: "absent", name: "eu" }),
    "Reachable",
    ["Warning", "StorageNotFound", "Stalled", false],
    /^spec\.fallback\.storageRef\.name: FallbackStorage "eu" does not exist/,
  ],
  [
    "the cluster refuses pods",
    (f) => (f.children.podRefusal = "exceeded quota"),
    "Reachable",
    ["Warning", "PodsRefused", "Stalled", false],
    /exceeded quota/,
  ],
  [
    "no proof in an outage",
    (f) => (f.group.status.snapshot.proofs = []),
    "Unreachable",
    ["Warning", "NoProof", "Held", true],
    /^The control plane is lost and fallback is not ready/,
  ],
  [
    "many control planes lost",
    (f) => Object.assign(f.peers, { controlPlanes: 3, controlPlanesLost: 3 }),
    "Unreachable",
    ["Warning", "SelfSuspicion", "Held", true],
    /^3 of 3 control planes look lost at once/,
  ],
  [
    "the control plane is lost",
    (f) => (f.group.spec.modePolicy = "Normal"),
    "Unreachable",
    ["Warning", "ControlPlaneLost", "ControlPlaneReachable", true],
    /refused/,
  ],
  [
    "an export that lost much",
    (f) => Object.assign(f.snapshot.raw, { digest: "sha256:ff", counts: { routes: 0, upstreams: 5, services: 5 } }),
    "Reachable",
    ["Warning", "SnapshotShrunken", "SnapshotQuarantined", false],
    /routes 40 -> 0/,
  ],
  [
    "suspended by a person",
    (f) => (f.group.spec.suspend = true),
    "Unreachable",
    ["Normal", "Suspended", "Held", true],
    /^spec.suspend is true: only status and events are written/,
  ],
  [
    "held by a person",
    (f) => (f.group.annotations = { "holdfast.dev/override": "Hold until=2030-01-01T00:00:00Z" }),
    "Unreachable",
    ["Normal", "HoldOrdered", "Held", true],
    /^annotation holdfast.dev\/override says Hold/,
  ],
  [
    "an outage of a group that a person holds",
    (f) => (f.group.spec.suspend = true),
    "Unreachable",
    ["Warning", "ControlPlaneLost", "ControlPlaneReachable", true],
    /refused/,
  ],
])("told, and once: %s", ([, change, word, expected, message]) => {
  const { facts } = healthy();
  if (word === "Unreachable") lose(facts);
  change(facts);
  const first = planOf(facts, held(facts, word, 60_000));
  expect(first.recordsMode).toBe(false);
  expect(toldBy(first.events)).toContainEqual(expected);
  expect(first.events.find(({ reason }) => reason === expected[1])?.message).toMatch(message);
  facts.group.status = first.status;
  expect(planOf(facts, held(facts, word, 60_000)).events).toEqual([]);
});

test("what is mended is told as good news", () => {
  const { facts } = healthy();
  const { storage } = facts;
  facts.storage = { seen: "absent", name: "eu" };
  facts.group.status = planOf(facts, held(facts, "Reachable", 5_000)).status;
  facts.storage = storage;
  expect(toldBy(planOf(facts, held(facts, "Reachable", 5_000)).events)).toEqual([
    ["Normal", "Accepted", "Stalled", false],
    ["Normal", "Proven", "FallbackReady", false],
  ]);
});

/** Each move of the mode, with both modes and the evidence in its message, at the Deployment, too. */
test.for<[string, (facts: Loose) => void, "Reachable" | "Unreachable", Told, RegExp]>([
  [
    "the first",
    (f) => (f.group.status = { observedGeneration: -1 }),
    "Reachable",
    ["Normal", "InitialMode", "ToNormal", true],
    /^Mode none -> Normal, epoch \d\. /,
  ],
  [
    "a flip",
    (f) => lose(f),
    "Unreachable",
    ["Warning", "ControlPlaneUnreachable", "ToFallback", true],
    /^Mode Normal -> ToFallback, epoch \d\. .*2 disconnected/,
  ],
  [
    "a return",
    (f) => {
      inMode(f, "Fallback", 60_000);
      f.group.spec.modePolicy = "Normal";
    },
    "Reachable",
    ["Normal", "OrderedNormal", "ToNormal", true],
    /^Mode Fallback -> ToNormal, epoch \d\. /,
  ],
  [
    "the end of an order that lasted a day",
    (f) => {
      inMode(f, "Fallback", 86_400_001);
      f.group.annotations = { "holdfast.dev/override": "Fallback until=2030-01-01T00:00:00Z" };
    },
    "Reachable",
    ["Normal", "OrderExpired", "ToNormal", true],
    /^Mode Fallback -> ToNormal, epoch \d\. /,
  ],
  [
    "fallback is reached",
    (f) => arriving(f, "ToFallback"),
    "Unreachable",
    ["Normal", "FallbackReached", "ToFallback", true],
    /^Mode ToFallback -> Fallback, epoch \d\. /,
  ],
  [
    "normal mode is reached",
    (f) => arriving(f, "ToNormal"),
    "Reachable",
    ["Normal", "NormalReached", "ToNormal", true],
    /^Mode ToNormal -> Normal, epoch \d\. /,
  ],
  [
    "a return that ends early",
    (f) => {
      inMode(f, "ToNormal", 5_000);
      fromSnapshot(f);
      f.controlPlane.counts = { routes: 0, upstreams: 0, services: 0 };
    },
    "Reachable",
    ["Warning", "Regressed", "ToFallback", true],
    /^Mode ToNormal -> ToFallback, epoch \d\. /,
  ],
])("a move is told: %s", ([, change, word, expected, message]) => {
  const { facts } = healthy();
  change(facts);
  const { events, recordsMode } = planOf(facts, held(facts, word, 60_000));
  expect([recordsMode, toldBy(events)]).toEqual([true, expect.arrayContaining([expected])]);
  expect(events.find(({ action }) => action === expected[2])?.message).toMatch(message);
});

test("pods that are on their way are told by number, in the condition alone", () => {
  const { facts } = healthy();
  arriving(facts, "ToNormal");
  fromSnapshot(facts);
  const { events, status } = planOf(facts, held(facts, "Reachable", 60_000));
  expect(status.conditions?.find(({ type }) => type === "Reconciling")).toMatchObject({
    reason: "MovingPods",
    message: "Moving pods back: 2 to go",
  });
  expect(events).toEqual([]);
});

test("a pod that is deleted so that it chooses again: the event goes with the step, and names pod and reason", () => {
  const { facts } = healthy();
  lose(facts);
  Object.assign(facts.pods[0], { ready: false, restarts: 2, trouble: "CrashLoopBackOff", vote: "unknown" });
  const plan = planOf(facts, held(facts, "Unreachable", 5_000));
  const step = plan.steps.find((one) => one.do === "deletePod");
  expect(step?.events).toEqual([
    {
      type: "Normal",
      reason: "PodReplaced",
      action: "Delete",
      message: "Pod edge-1-1 is deleted: it cannot start from its normal configuration; a new pod chooses again",
      alsoOnDeployment: true,
    },
  ]);
  expect(plan.events.map(({ reason }) => reason)).not.toContain("PodReplaced");
});

test.for<[string, Loose, Told, string]>([
  [
    "it failed",
    { state: "failed", message: "404 on every route" },
    ["Warning", "RehearsalFailed", "Rehearse", false],
    "Snapshot b20000000000 did not load: 404 on every route",
  ],
  [
    "it loaded, and stands under the verified key",
    { state: "loaded", counts: {} },
    ["Normal", "SnapshotVerified", "Verify", false],
    "Snapshot b20000000000 is the verified pair now",
  ],
])("a rehearsal is told: %s", ([, result, expected, message]) => {
  const { facts } = healthy();
  const digest = `sha256:${"b2".padEnd(64, "0")}`;
  const proofKey = facts.group.status.snapshot.proofs[0].key;
  const pod = { role: "rehearsal", name: "edge-rehearsal", uid: "r", resourceVersion: "1", deleting: false };
  facts.helpers = [{ ...pod, digest, proofKey, readerSecretVersion: "1", createdMs: facts.nowMs - 5_000, result }];
  for (const pair of Object.values<Loose>(facts.snapshot)) pair.digest = digest;
  const { events } = planOf(facts, held(facts, "Reachable", 5_000));
  expect(toldBy(events)).toContainEqual(expected);
  expect(events.map((event) => event.message)).toContain(message);
});

/** What pods are told at their start is of this mode already. */
function arriving(facts: Loose, mode: "ToFallback" | "ToNormal"): void {
  inMode(facts, mode, 60_000);
  if (mode === "ToFallback") lose(facts);
  const { steps } = planOf(facts, held(facts, "Unknown", 0));
  const start = steps.find((step) => step.do === "apply" && step.object.metadata.name === "edge-start");
  if (start?.do === "apply") facts.children.byName.set("ConfigMap/edge-start", start.object);
}
