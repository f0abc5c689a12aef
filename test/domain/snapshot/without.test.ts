/** A snapshot that a gateway loads but for a few items: named, and proven without them where that is allowed or accepted. */
import { expect, test } from "vitest";
import { healthy, held, inMode, type Loose, lose, planOf, startTold, told } from "../deciding.ts";
import { candidate, last, NEW } from "./pipeline-facts.ts";

const NAMES = ["routes/r17", "routes/r18"];
const ACCEPT = "holdfast.dev/accept-without";

/** The rehearsal of the new export has just ended: it lacks these items. */
function rehearsed(facts: Loose, missing: string[] = NAMES, more = 0, seen: object = { routes: 39 }): void {
  candidate(facts);
  const { key } = facts.group.status.snapshot.proofs[0];
  facts.helpers = [
    {
      role: "rehearsal",
      name: "edge-rehearsal-1",
      uid: "uid-r",
      resourceVersion: "1",
      createdMs: facts.nowMs - 70_000,
      deleting: false,
      digest: NEW,
      proofKey: key,
      readerSecretVersion: facts.group.status.snapshot.proofs[0].readerSecretVersion,
      image: "gw:1",
      result: { state: "failed", message: "FewerThanExpected: expected 41 routes", fewer: { seen, missing, more } },
    },
  ];
}
/** The same failed before, and said so. */
function askedFor(facts: Loose, missing: string[] | undefined = NAMES, digest = NEW): void {
  last(facts, "Failed", 300_000, digest);
  Object.assign(facts.group.status.snapshot.lastRehearsal, { missing });
}
const accept = (facts: Loose, value = "b20000000000-1-uid-grou") => (facts.group.annotations = { [ACCEPT]: value });

function outcome(change: (facts: Loose) => void) {
  const { facts } = healthy();
  rehearsed(facts);
  change(facts);
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  const { lastRehearsal, proofs = [] } = plan.status.snapshot ?? {};
  const proof = proofs.find(({ digest }) => digest === NEW);
  const used = plan.status.approvals?.acceptWithout;
  return {
    broken: plan.broken,
    result: lastRehearsal?.result,
    without: proof?.without,
    missing: lastRehearsal?.missing,
    used,
  };
}
const FAILED = { broken: [], result: "Failed", without: undefined, missing: NAMES, used: undefined };
const proven = (used?: string) => ({ broken: [], result: "Loaded", without: NAMES, missing: undefined, used });
const tolerate = (facts: Loose, items: number) => (facts.group.spec.fallback.snapshot.tolerate = items);
const otherProof = (facts: Loose, names: string[]) => {
  const { proofs } = facts.group.status.snapshot;
  proofs.push({ ...proofs[0], key: "other", without: names });
};
const without = (facts: Loose, names: string[]) => (facts.group.status.snapshot.proofs[0].without = names);

test.for<[string, (facts: Loose) => void, object]>([
  ["nobody was asked", () => undefined, FAILED],
  ["one is tolerated, two are missing", (f) => tolerate(f, 1), FAILED],
  ["two are tolerated", (f) => tolerate(f, 2), proven()],
  [
    "twenty are, and more than are named are missing",
    (f) => {
      tolerate(f, 20);
      rehearsed(f, NAMES, 1);
    },
    { ...FAILED, missing: undefined },
  ],
  [
    "none is named",
    (f) => {
      tolerate(f, 20);
      rehearsed(f, []);
    },
    { ...FAILED, missing: undefined },
  ],
  [
    "no route is left",
    (f) => {
      tolerate(f, 20);
      rehearsed(f, NAMES, 0, { routes: 0 });
    },
    { ...FAILED, missing: undefined },
  ],
  [
    "the only service is missing",
    (f) => {
      tolerate(f, 20);
      rehearsed(f, ["services/s"], 0, { routes: 41, services: 0 });
    },
    { ...FAILED, missing: ["services/s"] },
  ],
  [
    "a service is missing, and a person accepted it",
    (f) => {
      rehearsed(f, ["services/s"], 0, { routes: 41, services: 0 });
      askedFor(f, ["services/s"]);
      accept(f);
    },
    { ...proven("b20000000000-1-uid-grou"), without: ["services/s"] },
  ],
  [
    "accepted",
    (f) => {
      askedFor(f);
      accept(f);
    },
    proven("b20000000000-1-uid-grou"),
  ],
  ["accepted, though nothing was named yet", (f) => accept(f), FAILED],
  [
    "accepted, and one item more is missing",
    (f) => {
      askedFor(f, ["routes/r17"]);
      accept(f);
    },
    FAILED,
  ],
  [
    "accepted, and one item less is missing",
    (f) => {
      askedFor(f, [...NAMES, "routes/r19"]);
      accept(f);
    },
    proven("b20000000000-1-uid-grou"),
  ],
  [
    "accepted for another export",
    (f) => {
      askedFor(f);
      accept(f, "c30000000000-1-uid-grou");
    },
    FAILED,
  ],
  [
    "named of another export",
    (f) => {
      askedFor(f, NAMES, `sha256:${"c3".padEnd(64, "0")}`);
      accept(f);
    },
    FAILED,
  ],
  [
    "accepted of another group",
    (f) => {
      askedFor(f);
      accept(f, "b20000000000-1-0a1b2c3d");
    },
    FAILED,
  ],
  [
    "an acceptance that was used",
    (f) => {
      askedFor(f);
      accept(f);
      f.group.status.approvals = { acceptWithout: "b20000000000-1-uid-grou" };
    },
    { ...FAILED, used: "b20000000000-1-uid-grou" },
  ],
  ["missing in the verified pair already", (f) => without(f, [...NAMES, "routes/r3"]), proven()],
  ["one of them is new", (f) => without(f, ["routes/r17"]), FAILED],
  ["missing with another template, which has no pods", (f) => otherProof(f, NAMES), FAILED],
  [
    "missing with the template that runs, and this one is new",
    (f) => {
      without(f, NAMES);
      for (const pod of f.pods) pod.proofKey = f.group.status.snapshot.proofs[0].key;
      f.helpers[0].proofKey = "new";
    },
    proven(),
  ],
  [
    "the one is missing already, the other would be tolerated: no step after step",
    (f) => {
      without(f, ["routes/r17"]);
      tolerate(f, 1);
    },
    FAILED,
  ],
])("%s", ([, change, expected]) => {
  expect(outcome(change)).toEqual(expected);
});

test.for<[string, string[], number, object, RegExp]>([
  [
    "all of them, and what to write",
    NAMES,
    0,
    { routes: 39 },
    /Not loaded: routes\/r17, routes\/r18\. Correct or remove what is named, or, to go without it in fallback: annotate holdfast\.dev\/accept-without=b20000000000-1-uid-grou$/,
  ],
  [
    "so many more",
    NAMES,
    12,
    { routes: 27 },
    /Not loaded: routes\/r17, routes\/r18 and 12 more, too many to be accepted: correct or remove them$/,
  ],
  ["no route", ["routes/r1"], 0, { routes: 0 }, /Not loaded: routes\/r1\. No route is left: this cannot be accepted$/],
  ["none by name", [], 3, { routes: 38 }, /^FewerThanExpected: expected 41 routes$/],
])("the message names %s", ([, missing, more, seen, message]) => {
  const { facts } = healthy();
  rehearsed(facts, missing, more, seen);
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  expect(plan.status.snapshot?.lastRehearsal?.message).toMatch(message);
  expect(plan.events.find(({ reason }) => reason === "RehearsalFailed")?.message).toMatch(
    /^Snapshot b20000000000 did not load/,
  );
});

test("where the whole file is refused the item is named that names the variable", () => {
  const { facts } = healthy();
  rehearsed(facts, [], 41, { routes: 0 });
  const message = "routes/r17 at desc names price";
  facts.snapshot.candidate.warnings = [
    { reason: "VariableInSnapshot", kind: "routes", id: "r17", path: "desc", message },
    { reason: "DanglingReference", kind: "routes", message: "other" },
  ];
  const { status } = planOf(facts, held(facts, "Reachable", 5_000));
  expect(status.snapshot?.lastRehearsal?.message).toBe(`FewerThanExpected: expected 41 routes. ${message}`);
});

test("a gateway that never came up fails as ever, whatever is tolerated", () => {
  const { without: no, result } = outcome((f) => {
    tolerate(f, 20);
    f.helpers[0].result = { state: "failed", message: "NoAnswer" };
  });
  expect([no, result]).toEqual([undefined, "Failed"]);
});

test("what is accepted is tried again after 30 s, not after five minutes", () => {
  const tried = (accepted: boolean, ms: number) => {
    const { facts } = healthy();
    candidate(facts);
    askedFor(facts);
    last(facts, "Failed", ms, NEW);
    if (accepted) accept(facts);
    return planOf(facts, held(facts, "Reachable", 5_000)).steps.some((step) => step.do === "create");
  };
  expect([tried(true, 29_999), tried(true, 30_000), tried(false, 30_000)]).toEqual([false, true, false]);
});

test("FallbackReady says without what, the proof is published, and the group moves on it", () => {
  const { facts } = healthy();
  without(facts, NAMES);
  const rest = planOf(facts, held(facts, "Reachable", 5_000));
  const condition = rest.status.conditions?.find(({ type }) => type === "FallbackReady");
  expect([condition?.status, condition?.reason, rest.status.fallbackReady]).toEqual([
    "True",
    "ProvenWithout",
    "ProvenWithout",
  ]);
  expect(condition?.message).toMatch(/, without routes\/r17, routes\/r18$/);
  lose(facts);
  const plan = planOf(facts, held(facts, "Unreachable", 60_000));
  expect([plan.status.mode, plan.broken]).toEqual(["ToFallback", []]);
  inMode(facts, "ToFallback");
  facts.children.byName.delete("ConfigMap/edge-start");
  const moving = planOf(facts, held(facts, "Unreachable", 60_000));
  expect(Object.keys(startTold(moving).proofs)).toHaveLength(1);
});

test("a value of another format says which one to write", () => {
  const { facts } = healthy();
  askedFor(facts);
  accept(facts, "yes");
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  const message = plan.status.conditions?.find(({ type }) => type === "Stalled")?.message;
  expect([told(plan, "Stalled"), message]).toEqual([
    "ApprovalInvalid",
    `metadata.annotations[${ACCEPT}]: "yes" approves nothing: write ${ACCEPT}=b20000000000-1-uid-grou, or remove it, and copy the annotation from the message that asks for it`,
  ]);
});

test.for<[string, (facts: Loose) => void, string | undefined]>([
  ["the newest export did not load", (f) => askedFor(f), "RehearsalFailed"],
  [
    "a newer one waits for its turn",
    (f) => {
      askedFor(f);
      f.snapshot.raw.digest = `sha256:${"d4".padEnd(64, "0")}`;
    },
    "RehearsalFailed",
  ],
  [
    "the export is the verified one again",
    (f) => {
      askedFor(f);
      f.snapshot.raw.digest = f.group.status.snapshot.digest;
    },
    undefined,
  ],
  ["it is the verified pair that did not load", (f) => askedFor(f, NAMES, f.group.status.snapshot.digest), undefined],
  [
    "nothing is proven: FallbackReady says it",
    (f) => {
      askedFor(f);
      f.group.status.snapshot.proofs = [];
    },
    undefined,
  ],
])("while the verified pair stays: %s", ([, change, reason]) => {
  const { facts } = healthy();
  candidate(facts);
  change(facts);
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  expect(told(plan, "SnapshotQuarantined")).toBe(reason);
  expect(plan.status.fallbackReady === "Quarantined").toBe(reason !== undefined);
});
