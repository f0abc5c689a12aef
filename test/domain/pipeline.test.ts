import { expect, test } from "vitest";
import { done, healthy, held, inMode, type Loose, lose, planOf, told } from "./deciding.ts";

const NEW = `sha256:${"b2".padEnd(64, "0")}`;
const pipeline = (steps: string[]) =>
  steps.filter((step) => /^copy|rehearsal/.test(step)).map((step) => step.replace(/rehearsal-.*/, "rehearsal"));

/** At rest; each row changes what stands in the store, or what is known of it. Steps, and what the quarantine says. */
test.for<[string, (facts: Loose) => void, string[], string | undefined]>([
  ["nothing new", () => {}, [], undefined],
  ["a new export is copied first", (f) => exported(f), ["copy raw -> candidate"], undefined],
  ["then it is rehearsed", (f) => candidate(f), ["create Pod/edge-rehearsal"], undefined],
  [
    "a change that was undone: proven before, so it needs no rehearsal, and is brought to where pods read",
    (f) => {
      exported(f);
      proven(f);
    },
    ["copy raw -> candidate"],
    undefined,
  ],
  [
    "the store lost candidate and verified: what the exporter writes again is taken, as it was proven",
    (f) => {
      exported(f);
      proven(f);
      f.snapshot.candidate = { seen: "absent" };
      f.snapshot.verified = { seen: "absent" };
    },
    ["copy raw -> candidate"],
    undefined,
  ],
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
    "proven: copied to where pods read",
    (f) => {
      candidate(f);
      proven(f);
    },
    ["copy candidate -> verified"],
    undefined,
  ],
  [
    "proven, and what stands in its place has the same content and cannot be used: written again",
    (f) => {
      candidate(f);
      proven(f);
      f.snapshot.verified = { ...f.snapshot.verified, digest: NEW, problems: ["Truncated"] };
    },
    ["copy candidate -> verified"],
    undefined,
  ],
  [
    "proven for another template alone: the pair that is proven for this one stays, until it was rehearsed",
    (f) => {
      candidate(f);
      proven(f);
      f.group.status.snapshot.proofs.at(-1).key = "of-another-template";
    },
    ["create Pod/edge-rehearsal"],
    undefined,
  ],
  [
    "proven, in fallback: what it serves from stays",
    (f) => {
      candidate(f);
      proven(f);
      inMode(f, "Fallback");
    },
    [],
    undefined,
  ],
  [
    "proven, and the verified pair cannot be read",
    (f) => {
      candidate(f);
      proven(f);
      f.snapshot.verified = unknown;
    },
    [],
    undefined,
  ],
  [
    "lost 30 % of many: fine",
    (f) => exported(f, { routes: 28, upstreams: 5, services: 5 }),
    ["copy raw -> candidate"],
    undefined,
  ],
  ["lost more", (f) => exported(f, { routes: 27, upstreams: 5, services: 5 }), [], "SnapshotShrunken"],
  ["another group's", (f) => foreign(f), [], "SnapshotForeign"],
  [
    "another group's, accepted",
    (f) => {
      foreign(f);
      accept(f, NEW);
    },
    ["copy raw -> candidate"],
    undefined,
  ],
  [
    "another group's, as a candidate that was proven",
    (f) => {
      foreign(f);
      candidate(f);
      proven(f);
      f.snapshot.raw = unknown;
    },
    [],
    undefined,
  ],
  [
    "of what lay there before the group was made, which may be another's: its own export goes on",
    (f) => {
      foreign(f);
      f.group.createdMs = f.snapshot.verified.lastModifiedMs;
    },
    ["copy raw -> candidate"],
    undefined,
  ],
  [
    "another group's, told before, and the verified pair cannot be seen: it stays told",
    (f) => {
      foreign(f);
      toldForeign(f);
      f.snapshot.verified = unknown;
    },
    [],
    "SnapshotForeign",
  ],
  [
    "another group's, told before, and the verified pair is gone",
    (f) => {
      foreign(f);
      toldForeign(f);
      f.snapshot.verified = { seen: "absent" };
    },
    ["copy candidate -> verified"], // the last good one is still there
    "SnapshotForeign",
  ],
  [
    "another group's, told before and accepted since, and the verified pair is gone",
    (f) => {
      foreign(f);
      toldForeign(f);
      accept(f, NEW);
      f.snapshot.verified = { seen: "absent" };
    },
    ["copy candidate -> verified"],
    undefined,
  ],
  ["it shares one item", (f) => foreign(f, ["b1", "b2", "b3", "a2"]), ["copy raw -> candidate"], undefined],
  ["too few items to tell", (f) => foreign(f, ["b1", "b2"]), ["copy raw -> candidate"], undefined],
  [
    "there were too few items to tell",
    (f) => {
      foreign(f);
      f.snapshot.verified.sketch = sketch(["a1", "a2"]);
    },
    ["copy raw -> candidate"],
    undefined,
  ],
  [
    "one of many more, of which the sketch ends before anything that could be shared",
    (f) => {
      foreign(f);
      f.snapshot.raw.sketch = sketch(["a0", "a11", "a12"], false);
    },
    ["copy raw -> candidate"],
    undefined,
  ],
  [
    "another group's, of which the sketch ends after what could be shared",
    (f) => {
      foreign(f);
      f.snapshot.raw.sketch = sketch(["a0", "a11", "b1"], false);
    },
    [],
    "SnapshotForeign",
  ],
  [
    "it names another group, whatever it holds",
    (f) => {
      foreign(f, ["a1", "a2", "a3"]);
      f.snapshot.verified.gatewayGroup = "ours";
      f.snapshot.raw.gatewayGroup = "theirs";
    },
    [],
    "SnapshotForeign",
  ],
  [
    "it names our group, and all in it is new",
    (f) => {
      foreign(f);
      f.snapshot.verified.gatewayGroup = "ours";
      f.snapshot.raw.gatewayGroup = "ours";
    },
    ["copy raw -> candidate"],
    undefined,
  ],
  [
    "what stands under the verified key is not what was proven: nothing is measured on it",
    (f) => {
      foreign(f);
      f.snapshot.verified.digest = "sha256:somebody";
    },
    ["copy candidate -> verified"],
    undefined,
  ],
  ["a kind became empty", (f) => exported(f, { routes: 40, upstreams: 0, services: 5 }), [], "SnapshotShrunken"],
  [
    "lost much, accepted",
    (f) => {
      exported(f, { routes: 0 });
      accept(f, NEW);
    },
    ["copy raw -> candidate"],
    undefined,
  ],
  [
    "lost much, another one accepted",
    (f) => {
      exported(f, { routes: 0 });
      accept(f, "sha256:ffffffffffffffff");
    },
    [],
    "SnapshotShrunken",
  ],
  [
    "lost much, accepted by too short a word",
    (f) => {
      exported(f, { routes: 0 });
      accept(f, NEW.slice(0, 18));
    },
    [],
    "SnapshotShrunken",
  ],
  [
    "unusable",
    (f) => {
      exported(f);
      f.snapshot.raw.problems = ["NotJson"];
    },
    [],
    "SnapshotInvalid",
  ],
  [
    "a shrunken candidate is not promoted, whoever put it there",
    (f) => {
      candidate(f, { routes: 0 });
      proven(f);
      f.snapshot.raw = unknown;
    },
    [],
    undefined,
  ],
  [
    "a quarantine outlives an unreadable store",
    (f) => {
      quarantined(f);
      f.snapshot.raw = unknown;
    },
    [],
    "SnapshotShrunken",
  ],
  ["and ends with a good export", (f) => quarantined(f), [], undefined],
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
  const { facts } = healthy();
  change(facts);
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  expect(plan.broken).toEqual([]);
  expect([pipeline(done(plan)), told(plan, "SnapshotQuarantined")]).toEqual([steps, quarantine]);
});

test("rehearse-at goes with the rehearsal that carries it out", () => {
  const { facts } = healthy();
  facts.group.annotations = { "holdfast.dev/rehearse-at": "now" };
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  expect([plan.status.rehearsedAt, plan.steps.flatMap((step) => step.carries ?? [])]).toEqual(["now", ["rehearsedAt"]]);
});

/** The control plane was lost a second ago, and the store has something new. Steps. */
test.for<[string, (facts: Loose) => void, string[]]>([
  ["a proven candidate does not take the place of the pair that is proven", (f) => both(f), []],
  ["a new export is left where it is", (f) => exported(f), []],
  [
    "the verified pair was overwritten by half: it is made whole",
    (f) => {
      both(f);
      f.snapshot.verified = { ...f.snapshot.verified, digest: "unreadable:1", problems: ["TornPair"] };
    },
    ["copy candidate -> verified"],
  ],
  [
    "there is no verified pair: one is made",
    (f) => {
      both(f);
      f.snapshot.verified = { seen: "absent" };
    },
    ["copy candidate -> verified"],
  ],
  [
    "there is none, nor a candidate",
    (f) => {
      exported(f);
      f.snapshot.verified = { seen: "absent" };
      f.snapshot.candidate = { seen: "absent" };
    },
    ["copy raw -> candidate"],
  ],
  [
    "the verified pair cannot be read",
    (f) => {
      exported(f);
      f.snapshot.verified = unknown;
    },
    [],
  ],
  [
    "a rehearsal is asked for: of what is verified",
    (f) => {
      exported(f);
      f.group.annotations = { "holdfast.dev/rehearse-at": "now" };
    },
    ["create Pod/edge-rehearsal"],
  ],
  [
    "the control plane is only out of sight, and was not lost: that may last for weeks, so exports are taken",
    (f) => {
      exported(f);
      f.controlPlane = { operator: { view: "unknown", detail: "no route" } };
    },
    ["copy raw -> candidate"],
  ],
])("in an outage: %s", ([, change, steps]) => {
  const { facts } = healthy();
  lose(facts);
  change(facts);
  const plan = planOf(facts, held(facts, "Unreachable", 1_000));
  expect(plan.broken).toEqual([]);
  expect(pipeline(done(plan))).toEqual(steps);
});

test("a store that did not take the last copy is left alone until the next try is due, and it is told", () => {
  const next = (paused: boolean) => {
    const { facts } = healthy();
    both(facts);
    const problem = { reason: "StorageUnavailable", field: "spec.fallback.storageRef", message: "Cannot copy" };
    facts.copying = { paused, problem };
    const plan = planOf(facts, held(facts, "Reachable", 5_000));
    return [pipeline(done(plan)), told(plan, "Stalled")];
  };
  expect([next(true), next(false)]).toEqual([
    [[], "StorageUnavailable"],
    [["copy candidate -> verified"], "StorageUnavailable"],
  ]);
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

const unknown = { seen: "unknown", reason: "StorageUnavailable", why: "it does not answer" };
const COUNTS = { routes: 41, upstreams: 5, services: 5 };
function exported(facts: Loose, counts: object = COUNTS): void {
  facts.snapshot.raw = { ...facts.snapshot.raw, digest: NEW, counts };
  last(facts, "Loaded", 3_600_000);
}
/** In this order, as hashes are. */
const ITEMS = ["a0", "a1", "a11", "a12", "a2", "a3", "b1", "b2", "b3"];
const sketch = (items: string[], whole = true) => ({ hashes: items.map((item) => ITEMS.indexOf(item)), whole });
function foreign(facts: Loose, items = ["b1", "b2", "b3"]): void {
  exported(facts);
  facts.snapshot.verified.sketch = sketch(["a1", "a2", "a3"]);
  facts.snapshot.raw.sketch = sketch(items);
}
function toldForeign(facts: Loose): void {
  quarantined(facts);
  facts.group.status.conditions.at(-1).reason = "SnapshotForeign";
}
function candidate(facts: Loose, counts: object = COUNTS): void {
  exported(facts, counts);
  facts.snapshot.candidate = { ...facts.snapshot.raw };
}
function proven(facts: Loose): void {
  const [proof] = facts.group.status.snapshot.proofs;
  facts.group.status.snapshot.proofs.push({ ...proof, digest: NEW });
}
function last(facts: Loose, result: string, agoMs: number, digest?: string): void {
  const before = facts.group.status.snapshot.lastRehearsal;
  const at = new Date(facts.nowMs - agoMs).toISOString();
  facts.group.status.snapshot.lastRehearsal = { ...before, result, at, ...(digest ? { digest } : {}) };
}
function rehearsal(facts: Loose, change: object = {}): void {
  const key = facts.group.status.snapshot.proofs[0].key;
  const pod = { role: "rehearsal", name: "edge-rehearsal", uid: "r", resourceVersion: "1", deleting: false };
  const proof = { digest: NEW, proofKey: key, readerSecretVersion: "1", image: "i" };
  facts.helpers = [{ ...pod, ...proof, createdMs: facts.nowMs - 5_000, result: { state: "running" }, ...change }];
}
function both(facts: Loose): void {
  candidate(facts);
  proven(facts);
}
function accept(facts: Loose, word: string): void {
  facts.group.annotations = { "holdfast.dev/accept-snapshot": word };
}
function quarantined(facts: Loose): void {
  const Told = { type: "SnapshotQuarantined", status: "True", reason: "SnapshotShrunken", message: "m" };
  facts.group.status.snapshot.quarantined = NEW;
  const condition = { ...Told, observedGeneration: 1, lastTransitionTime: new Date(facts.nowMs).toISOString() };
  facts.group.status.conditions.push(condition);
}

test.for<[string, (facts: Loose) => void, string, string]>([
  [
    "nothing is proven yet: that is why",
    (f) => (f.snapshot.verified = { seen: "absent" }),
    "Unknown StorageDenied",
    "The export cannot be read: the key is encrypted",
  ],
  [
    "a proven pair stays usable, and grows old without anybody seeing it: said",
    () => {},
    "True ExportLate",
    "the newest export cannot be read: the key is encrypted",
  ],
  [
    "it is gone beside a pair that was proven: told once that pair is old",
    (f) => Object.assign(f.snapshot, { raw: { seen: "absent" }, verified: { ...f.snapshot.verified, ageMs: 900_000 } }),
    "True ExportLate",
    "there is no export; the last that was taken is of 20",
  ],
  [
    "it is gone beside a pair that was just taken",
    (f) => Object.assign(f.snapshot, { raw: { seen: "absent" }, verified: { ...f.snapshot.verified, ageMs: 9_000 } }),
    "True Proven",
    "is proven with",
  ],
  [
    "none is wanted",
    (f) => {
      f.group.spec.backup.enabled = false;
      Object.assign(f.snapshot, { raw: { seen: "absent" }, verified: { ...f.snapshot.verified, ageMs: 900_000 } });
    },
    "True Proven",
    "is proven with",
  ],
  [
    "a store that does not answer for a moment is no news of the export",
    (f) => Object.assign(f.snapshot, { raw: { seen: "unknown", reason: "StorageUnavailable", why: "timeout" } }),
    "True Proven",
    "is proven with",
  ],
])("an export that cannot be read: %s", ([, change, says, message]) => {
  const { facts, memory } = healthy();
  facts.snapshot.raw = { seen: "unknown", reason: "StorageDenied", why: "the key is encrypted" };
  change(facts);
  const { conditions = [] } = planOf(facts, memory).status;
  const ready = conditions.find((one) => one.type === "FallbackReady");
  expect(`${ready?.status} ${ready?.reason}`).toBe(says);
  expect(ready?.message).toContain(message);
});
