/** When a pair is rehearsed, which one, and what its outcome is taken for. */
import { expect, test } from "vitest";
import { done, healthy, held, type Loose, lose, planOf } from "../deciding.ts";
import { type AtRest, atRest, candidate, last, NEW, pipeline } from "./pipeline-facts.ts";

test.for<AtRest>([
  [
    "not while another rehearsal runs",
    (f) => {
      candidate(f);
      rehearsal(f);
    },
    [],
    undefined,
  ],
  [
    "one that is on its way out keeps nobody",
    (f) => {
      candidate(f);
      rehearsal(f, { deleting: true });
    },
    ["create Pod/edge-rehearsal"],
    undefined,
  ],
  [
    "not again so soon",
    (f) => {
      candidate(f);
      last(f, "Loaded", 899_999);
    },
    [],
    undefined,
  ],
  [
    "but after the interval",
    (f) => {
      candidate(f);
      last(f, "Loaded", 900_000);
    },
    ["create Pod/edge-rehearsal"],
    undefined,
  ],
  [
    "other reader keys: what is verified is proven anew",
    (f) => (f.secrets.reader.resourceVersion = "2"),
    ["create Pod/edge-rehearsal"],
    undefined,
  ],
  [
    "reader keys that cannot be read",
    (f) => {
      candidate(f);
      f.secrets.reader = { seen: "unknown", name: "k", why: "" };
    },
    [],
    undefined,
  ],
  [
    "asked for by a person",
    (f) => (f.group.annotations = { "holdfast.dev/rehearse-at": "now" }),
    ["create Pod/edge-rehearsal"],
    undefined,
  ],
  [
    "asked for, and done",
    (f) => {
      f.group.annotations = { "holdfast.dev/rehearse-at": "now" };
      f.group.status.rehearsedAt = "now";
    },
    [],
    undefined,
  ],
])("%s", ([, change, steps, quarantine]) => {
  expect(atRest(change)).toEqual({ broken: [], steps, quarantine });
});

test("rehearse-at goes with the rehearsal that carries it out", () => {
  const { facts } = healthy();
  facts.group.annotations = { "holdfast.dev/rehearse-at": "now" };
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  expect([plan.status.rehearsedAt, plan.steps.flatMap((step) => step.carries ?? [])]).toEqual(["now", ["rehearsedAt"]]);
});

test("a failed rehearsal of the same pair is tried again after five minutes", () => {
  const again = (ms: number) => {
    const { facts } = healthy();
    candidate(facts);
    last(facts, "Failed", ms, NEW);
    return pipeline(done(planOf(facts, held(facts, "Reachable", 5_000))));
  };
  expect([again(299_999), again(300_000)]).toEqual([[], ["create Pod/edge-rehearsal"]]);
});

/** Other reader keys: neither pair is proven for them. The new export, or what is verified, failed some time ago. */
test.for<[string, "new" | "verified", number, boolean, string[]]>([
  ["the new one just failed: now the verified pair", "new", 0, true, ["create Pod/edge-rehearsal"]],
  ["the verified pair failed, too: both wait", "verified", 299_999, false, []],
  ["and then the new one again", "verified", 300_000, false, ["create Pod/edge-rehearsal"]],
])("no pair loads: %s", ([, failed, agoMs, ofVerified, steps]) => {
  const { facts } = healthy();
  candidate(facts);
  facts.secrets.reader.resourceVersion = "2";
  const verified = facts.snapshot.verified.digest;
  last(facts, "Failed", agoMs, failed === "new" ? NEW : verified);
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  expect(pipeline(done(plan))).toEqual(steps);
  const pod = plan.steps.find((step) => step.do === "create");
  const digest = pod?.do === "create" ? pod.object.metadata.annotations?.["holdfast.dev/digest"] : undefined;
  if (pod) expect(digest).toBe(ofVerified ? verified : NEW);
});

test("an outcome is recorded once, though our clock may be behind; then its pod goes", () => {
  const { facts } = healthy();
  candidate(facts);
  rehearsal(facts, { result: { state: "loaded", counts: {} }, createdMs: facts.nowMs + 60_000 });
  const first = planOf(facts, held(facts, "Reachable", 5_000));
  expect([first.status.snapshot?.proofs?.[0]?.digest, pipeline(done(first))]).toEqual([NEW, []]);
  facts.group.status = first.status;
  const second = planOf(facts, held(facts, "Reachable", 5_000));
  expect(second.status.snapshot?.lastRehearsal).toEqual(first.status.snapshot?.lastRehearsal);
  expect(pipeline(done(second))).toEqual(["delete edge-rehearsal"]);
});

test("a clock that was ahead and is set back drops no outcome", () => {
  const { facts } = healthy();
  candidate(facts);
  rehearsal(facts, { result: { state: "loaded", counts: {} } });
  last(facts, "Loaded", -3_600_000);
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  expect(plan.status.snapshot?.proofs?.[0]?.digest).toBe(NEW);
});

test("a rehearsal that never ends has failed, and is told", () => {
  const after = (ms: number) => {
    const { facts } = healthy();
    candidate(facts);
    rehearsal(facts, { createdMs: facts.nowMs - ms });
    return planOf(facts, held(facts, "Reachable", 5_000)).status.snapshot?.lastRehearsal?.result;
  };
  expect([after(240_000), after(240_001)]).toEqual(["Loaded", "Failed"]);
});

test("what runs is rehearsed with its own template, not with the change that waits", () => {
  const { facts } = healthy();
  lose(facts);
  const [set] = facts.children.traffic.replicaSets;
  set.proofKey = "of-what-runs";
  set.template.metadata.annotations["holdfast.dev/proof-key"] = "of-what-runs";
  for (const pod of facts.pods) pod.proofKey = "of-what-runs";
  const step = planOf(facts, held(facts, "Unreachable", 5_000)).steps.find((one) => one.do === "create");
  const annotations = step?.do === "create" ? step.object.metadata.annotations : {};
  expect(annotations?.["holdfast.dev/proof-key"]).toBe("of-what-runs");
});

function rehearsal(facts: Loose, change: object = {}): void {
  const key = facts.group.status.snapshot.proofs[0].key;
  const pod = { role: "rehearsal", name: "edge-rehearsal", uid: "r", resourceVersion: "1", deleting: false };
  const proof = { digest: NEW, proofKey: key, readerSecretVersion: "1", image: "i" };
  facts.helpers = [{ ...pod, ...proof, createdMs: facts.nowMs - 5_000, result: { state: "running" }, ...change }];
}
