// Where nothing serves there is nobody to protect: a change of the template waits for nothing that is ill.
import { expect, test } from "vitest";
import { done, fromSnapshot, healthy, held, inMode, type Loose, lose, planOf, told } from "../deciding.ts";

const WAITS = "ChangeWaits";
const down = { ready: false, restarts: 3, trouble: "gateway: CrashLoopBackOff" };

function applied(facts: Loose, ms = 600_000): [boolean, string | undefined] {
  const word = facts.controlPlane.operator.view === "readsOk" ? "Reachable" : "Unreachable";
  facts.group.status.controlPlane.lostAt = new Date(facts.nowMs - ms).toISOString();
  const plan = planOf(facts, held(facts, word, ms));
  expect(plan.broken).toEqual([]);
  return [done(plan).includes("apply Deployment/edge"), told(plan, "RestartPending")];
}
/** The control plane is lost, no pod serves, nothing is proven, and the image is corrected. */
function dead(): Loose {
  const { facts } = healthy();
  facts.group.status.snapshot.proofs = [];
  lose(facts);
  facts.group.spec.gateway.image = "api7/api7-ee-3-gateway:3.9.14";
  for (const pod of facts.pods) Object.assign(pod, down);
  return facts;
}
const proveRunning = (facts: Loose) => {
  const { digest } = facts.snapshot.verified;
  const key = facts.children.traffic.replicaSets[0].proofKey;
  facts.group.status.snapshot.proofs = [
    { key, digest, image: "x", at: "2026-01-01T00:00:00Z", readerSecretVersion: "1" },
  ];
};

test.for<[string, (facts: Loose) => void, boolean]>([
  ["frozen, in normal mode", () => {}, true],
  ["in fallback", (f) => inMode(f, "Fallback", 60_000), true],
  ["half way there", (f) => inMode(f, "ToFallback", 60_000), true],
  ["no pod is left at all", (f) => (f.pods = []), true],
  [
    "no node takes the pods",
    (f) => f.pods.map((pod: Loose) => Object.assign(pod, { start: undefined, trouble: "Unschedulable" })),
    true,
  ],
  [
    "a pod that leaves is still Ready",
    (f) => Object.assign(f.pods[0], { ready: true, trouble: undefined, deleting: true }),
    true,
  ],
  ["one pod serves", (f) => Object.assign(f.pods[0], { ready: true, trouble: undefined }), false],
  [
    "one takes requests and serves badly",
    (f) => Object.assign(f.pods[0], { ready: true, trouble: undefined, emptyWorker: true }),
    false,
  ],
  [
    "one runs, and lost its Ready for a moment: it may serve again from memory",
    (f) => Object.assign(f.pods[0], { trouble: undefined }),
    false,
  ],
  ["the cluster refuses such pods", (f) => (f.children.podRefusal = "exceeded quota"), false],
  ["modePolicy Observe", (f) => (f.group.spec.modePolicy = "Observe"), false],
])("nothing serves and nothing is proven: %s", ([, change, rolls]) => {
  const facts = dead();
  change(facts);
  expect(applied(facts)).toEqual([rolls, rolls ? undefined : WAITS]);
});

test("pods that would come up from the snapshot by themselves are left to it, until the change is proven, too", () => {
  const facts = dead();
  proveRunning(facts);
  inMode(facts, "Fallback", 60_000);
  expect(applied(facts)).toEqual([false, WAITS]);
  facts.group.status.snapshot.proofs = [{ ...facts.group.status.snapshot.proofs[0], key: wantedKey() }];
  expect(applied(facts)).toEqual([true, undefined]);
});

test("pods that came up from the snapshot and are not Ready at the moment keep no memory that is theirs alone", () => {
  const facts = dead();
  fromSnapshot(facts);
  for (const pod of facts.pods) Object.assign(pod, { ready: false, restarts: 0, trouble: undefined });
  expect(applied(facts)).toEqual([true, undefined]);
});

/** With restart-at a change rolls pods that serve: only onto a template that is proven with what is in the store now. */
test.for<[string, (facts: Loose) => void, boolean]>([
  ["it is proven, what runs is not", () => {}, true],
  ["it was proven with the reader's keys of before", (f) => (f.secrets.reader.resourceVersion = "2"), false],
  [
    "the store cannot be read",
    (f) => (f.snapshot.verified = { seen: "unknown", reason: "StorageUnavailable", why: "x" }),
    false,
  ],
  ["it is not proven", (f) => (f.group.status.snapshot.proofs = []), false],
])("restart-at in an outage, pods serve, frozen: %s", ([, change, rolls]) => {
  const { facts } = healthy();
  const [proof] = facts.group.status.snapshot.proofs;
  facts.group.status.snapshot.proofs = [{ ...proof, key: wantedKey() }];
  lose(facts);
  facts.group.spec.gateway.image = "api7/api7-ee-3-gateway:3.9.14";
  facts.group.annotations["holdfast.dev/restart-at"] = "2026-01-01T00:00:00Z";
  change(facts);
  expect(applied(facts)).toEqual([rolls, rolls ? undefined : WAITS]);
});

test("a template of ours that cannot start is not kept because an upgrade changes nothing: not where nothing serves", () => {
  const { facts } = healthy();
  facts.operator.chooseImage = "localhost/holdfast:next";
  expect(applied(facts)[0]).toBe(false);
  Object.assign(facts.pods[0], { ready: false, start: undefined, trouble: "choose: ErrImagePull (x)" });
  facts.pods[1].ready = false; // it runs, and may serve again
  expect(applied(facts)[0]).toBe(false);
  for (const pod of facts.pods)
    Object.assign(pod, { ready: false, start: undefined, trouble: "choose: ErrImagePull (x)" });
  expect(applied(facts)[0]).toBe(true);
});

function wantedKey(): string {
  const facts = dead();
  const plan = planOf(facts, held(facts, "Unreachable", 600_000));
  const step = plan.steps.find(
    (one) => one.do === "apply" && one.object.metadata.name === "edge" && one.object.kind === "Deployment",
  ) as Loose;
  return step.object.spec.template.metadata.annotations["holdfast.dev/proof-key"];
}
