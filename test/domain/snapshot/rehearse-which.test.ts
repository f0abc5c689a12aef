// In an outage: which template is proven, so that no cure needs the thing that is ill.
import { expect, test } from "vitest";
import { healthy, held, type Loose, lose, planOf } from "../deciding.ts";

const NEW_IMAGE = "api7/api7-ee-3-gateway:3.9.14";
const MINUTE = 60_000;

/** Nothing is proven; `waits`: a change of the image waits for its turn. */
function unproven({ waits, serves }: { waits: boolean; serves: boolean }): Loose {
  const { facts } = healthy();
  facts.group.status.snapshot.proofs = [];
  if (waits) facts.group.spec.gateway.image = NEW_IMAGE;
  for (const pod of facts.pods) if (!serves) Object.assign(pod, down);
  return facts;
}
const down = { ready: false, restarts: 3, trouble: "gateway: CrashLoopBackOff" };
const keyOf = (facts: Loose) => facts.children.traffic.replicaSets[0].proofKey;
const failed = (facts: Loose, key: string, ageMs: number) => {
  const at = new Date(facts.nowMs - ageMs).toISOString();
  const { digest } = facts.snapshot.verified;
  facts.group.status.snapshot.lastRehearsal = { result: "Failed", digest, key, message: "it did not load", at };
};
/** Another template still has a pod, as in the middle of a roll. */
function older(facts: Loose): void {
  const [running] = facts.children.traffic.replicaSets;
  const set = { ...structuredClone(running), name: "edge-0", templateHash: "h0", revision: 0, replicas: 1 };
  set.template.metadata.annotations["holdfast.dev/proof-key"] = "older";
  facts.children.traffic.replicaSets.push({ ...set, proofKey: "older" });
}

/** The key of the template that is rehearsed: of what runs, of the older one, or of the change that waits. */
function rehearsed(facts: Loose, word: "Reachable" | "Unreachable" = "Unreachable"): string | undefined {
  const plan = planOf(facts, held(facts, word, 10 * MINUTE));
  expect(plan.broken).toEqual([]);
  const pod = plan.steps.find(
    (step) => step.do === "create" && step.object.metadata.name.includes("rehearsal"),
  ) as Loose;
  const key = pod?.object.metadata.annotations["holdfast.dev/proof-key"];
  return key === keyOf(facts) ? "running" : key === undefined || key === "older" ? key : "change";
}

/** `verified` alone is in the store, so that each template has one try. */
const alone = (facts: Loose) => (facts.snapshot.raw = { seen: "absent" });

test.for<[string, (facts: Loose) => void, string | undefined]>([
  ["first what runs", () => {}, "running"],
  ["it failed: the change that waits", (f) => failed(f, keyOf(f), 5_000), "change"],
  ["that failed, too: a pause", (f) => failed(f, changeKey(), 5_000), undefined],
  ["the pause is over: what runs", (f) => failed(f, changeKey(), 6 * MINUTE), "running"],
  ["two templates have pods, and the newer failed: the older", (f) => [older(f), failed(f, keyOf(f), 5_000)], "older"],
  ["then the change", (f) => [older(f), failed(f, "older", 5_000)], "change"],
])("the control plane is lost, pods serve, nothing is proven: %s", ([, change, which]) => {
  const facts = unproven({ waits: true, serves: true });
  lose(facts);
  alone(facts);
  change(facts);
  expect(rehearsed(facts)).toBe(which);
});

test("an export and the verified pair both have their try before the next template has its own", () => {
  const facts = unproven({ waits: true, serves: true });
  lose(facts);
  facts.snapshot.raw = { ...facts.snapshot.verified, digest: `sha256:${"e".repeat(64)}` };
  facts.snapshot.candidate = { ...facts.snapshot.raw };
  failed(facts, keyOf(facts), 5_000);
  facts.group.status.snapshot.lastRehearsal.digest = facts.snapshot.raw.digest;
  expect(rehearsed(facts)).toBe("running");
  facts.group.status.snapshot.lastRehearsal.digest = facts.snapshot.verified.digest;
  expect(rehearsed(facts)).toBe("change");
});

test("in good times a change that waits has no turn: what runs is tried again after a pause", () => {
  const facts = unproven({ waits: true, serves: true });
  Object.assign(facts.group.spec, { modePolicy: "Fallback" }); // so that the change waits
  facts.group.status.mode = "Fallback";
  alone(facts);
  failed(facts, keyOf(facts), 5_000);
  expect(rehearsed(facts, "Reachable")).toBe(undefined);
  failed(facts, keyOf(facts), 6 * MINUTE);
  expect(rehearsed(facts, "Reachable")).toBe("running");
});

test("what runs is proven, and yet none of it serves: the change that waits is proven, to take its place", () => {
  const { facts } = healthy();
  facts.group.spec.gateway.image = NEW_IMAGE;
  facts.group.status.mode = "Fallback";
  lose(facts);
  expect(rehearsed(facts), "its pods serve").toBe(undefined);
  for (const pod of facts.pods) Object.assign(pod, down);
  expect(rehearsed(facts)).toBe("change");
});

test("a template without a configuration for the snapshot has no turn: its storage was never seen", () => {
  const facts = unproven({ waits: true, serves: true });
  lose(facts);
  alone(facts);
  const [set] = facts.children.traffic.replicaSets;
  const { volumes } = set.template.spec;
  set.template = {
    ...set.template,
    spec: { ...set.template.spec, volumes: volumes.filter((one: Loose) => one.name !== "fallback") },
  };
  facts.children.byName.get("Deployment/edge").spec.template = set.template;
  set.proofKey = "bare";
  expect(rehearsed(facts)).toBe("change");
});

/** As it is for the new image. */
function changeKey(): string {
  const facts = unproven({ waits: true, serves: false });
  facts.group.status.snapshot.proofs = [];
  lose(facts);
  const plan = planOf(facts, held(facts, "Unreachable", 10 * MINUTE));
  const step = plan.steps.find(
    (one) => one.do === "apply" && one.object.metadata.name === "edge" && one.object.kind === "Deployment",
  ) as Loose;
  return step.object.spec.template.metadata.annotations["holdfast.dev/proof-key"];
}
