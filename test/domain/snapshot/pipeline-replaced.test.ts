/** What stands under the verified key is not what Holdfast put there: what is at hand puts it back, else it is judged. */
import { expect, test } from "vitest";
import { healthy, held, type Loose, planOf, told } from "../deciding.ts";
import { type AtRest, accept, atRest, candidate, last, proven, unknown } from "./pipeline-facts.ts";

const THEIRS = `sha256:${"c3".padEnd(64, "0")}`;

test.for<AtRest>([
  ["the candidate has the same content", (f) => foreign(f), ["copy candidate -> verified"], undefined],
  [
    "a copy is kept",
    (f) => {
      foreign(f);
      f.snapshot.candidate = { seen: "absent" };
    },
    ["copy generation -> verified"],
    undefined,
  ],
  [
    "emptied, and what the exporter brings next is proven already: the former one first",
    (f) => {
      candidate(f);
      proven(f);
      foreign(f, {});
    },
    ["copy generation -> verified"],
    undefined,
  ],
  ["nothing is at hand, and it is whole: it is tried", (f) => stranger(f), ["create Pod/edge-rehearsal"], undefined],
  ["nothing is at hand, and it lost its routes: it is not even tried", (f) => stranger(f, {}), [], undefined],
  [
    "nothing is at hand, it lost its routes and was proven by whatever: it is not taken on record",
    (f) => {
      stranger(f, {});
      proven(f);
      f.group.status.snapshot.proofs.at(-1).digest = THEIRS;
    },
    [],
    undefined,
  ],
  [
    "nothing is at hand, it lost its routes, and a person accepts it",
    (f) => {
      stranger(f, {});
      accept(f, THEIRS);
    },
    ["create Pod/edge-rehearsal"],
    undefined,
  ],
  [
    "it cannot be read just now",
    (f) => {
      f.snapshot.verified = unknown;
    },
    [],
    undefined,
  ],
])("another pair stands under the verified key: %s", ([, change, steps, quarantine]) => {
  expect(atRest(change)).toEqual({ broken: [], steps, quarantine });
});

test("what another writer brought is told, stays the measure of nothing, and is told for an hour after", () => {
  const { facts } = healthy();
  foreign(facts, {});
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  expect(plan.status.snapshot).toMatchObject({
    digest: facts.group.status.snapshot.digest,
    counts: facts.group.status.snapshot.counts,
    replaced: { digest: THEIRS },
  });
  expect(plan.status.conditions).toContainEqual(
    expect.objectContaining({ type: "FallbackReady", status: "True", reason: "WrittenByAnother" }),
  );
  expect(plan.events).toContainEqual(expect.objectContaining({ reason: "WrittenByAnother" }));
  for (const [afterMs, reason] of [
    [60_000, "WrittenByAnother"],
    [3_600_000, "Proven"],
  ] as const) {
    const { facts: later } = healthy();
    later.group.status.snapshot = structuredClone(plan.status.snapshot);
    later.nowMs += afterMs;
    later.group.status.snapshot.replaced.at = new Date(later.nowMs - afterMs).toISOString();
    const next = planOf(later, held(later, "Reachable", 5_000));
    const after = structuredClone({ ...later, group: { ...later.group, status: next.status } });
    expect(told(planOf(after, held(after, "Reachable", 5_000)), "FallbackReady")).toBe(reason);
  }
});

test.for<[string, (facts: Loose) => void]>([
  ["a copy that failed", (f) => (f.copying = { paused: true })],
  [
    "nothing, the pair is the one on record",
    (f) => (f.snapshot.verified = { ...f.snapshot.verified, digest: f.group.status.snapshot.digest, counts: {} }),
  ],
  ["nothing was ever on record", (f) => (f.group.status.snapshot = {})],
])("no other writer is told of for %s", ([, change]) => {
  const { facts } = healthy();
  foreign(facts);
  change(facts);
  expect(planOf(facts, held(facts, "Reachable", 5_000)).status.snapshot?.replaced).toBeUndefined();
});

test("an older pair that a person put under the candidate's key, too, is let be and tried", () => {
  const { steps } = atRest((f) => {
    foreign(f, { routes: 1 });
    last(f, "Loaded", 3_600_000);
    f.snapshot.candidate = { ...f.snapshot.verified };
    f.group.status.mode = "Fallback";
    f.snapshot.raw = unknown;
  });
  expect(steps).toEqual(["create Pod/edge-rehearsal"]);
});

/** The pair on record is never replaced without a copy of it. */
const OLD = Array.from({ length: 12 }, (_, index) => ({ digest: `old${index}`, lastModifiedMs: 1_000 - index }));
test.for<[string, (facts: Loose) => void, string[]]>([
  ["a copy is kept: it is replaced", (f) => ready(f), ["copySnapshot candidate -> verified"]],
  [
    "none is kept: it is made first",
    (f) => {
      ready(f);
      f.snapshot.generations = [];
    },
    ["copySnapshot verified -> generation"],
  ],
  [
    "whether one is kept is not known: it waits",
    (f) => {
      ready(f);
      delete f.snapshot.generations;
    },
    [],
  ],
  [
    "whether one is kept was known, and they cannot be listed: it waits, and no copy is made that would not be seen",
    (f) => {
      ready(f);
      f.snapshot.generations = OLD;
      f.snapshot.listingFails = true;
    },
    [],
  ],
  [
    "one was kept, and they cannot be listed: it is replaced",
    (f) => {
      ready(f);
      f.snapshot.listingFails = true;
    },
    ["copySnapshot candidate -> verified"],
  ],
  [
    "with the copy the oldest go that are too many",
    (f) => (f.snapshot.generations = OLD),
    ["copySnapshot verified -> generation", ...OLD.slice(9).map(({ digest }) => `removeGeneration ${digest}`)],
  ],
  [
    "a store that took no copy is left alone for a while",
    (f) => {
      f.snapshot.generations = OLD;
      f.copying = { paused: true };
    },
    [],
  ],
])("a proven candidate: %s", ([, change, steps]) => {
  const { facts } = healthy();
  change(facts);
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  const inStore = plan.steps.flatMap((step) => {
    if (step.do === "copySnapshot") return [`copySnapshot ${step.from} -> ${step.to}`];
    return step.do === "removeGeneration" ? [`removeGeneration ${step.digest}`] : [];
  });
  expect([inStore, plan.broken]).toEqual([steps, []]);
});

function ready(facts: Loose): void {
  candidate(facts);
  proven(facts);
}
function foreign(facts: Loose, counts: object = { routes: 41, upstreams: 5, services: 5 }): void {
  facts.snapshot.verified = { ...facts.snapshot.verified, digest: THEIRS, counts };
}
/** The same, and nothing of ours is left in the store. */
function stranger(facts: Loose, counts?: object): void {
  foreign(facts, counts);
  last(facts, "Loaded", 3_600_000);
  facts.snapshot.raw = { seen: "absent" };
  facts.snapshot.candidate = { seen: "absent" };
  facts.snapshot.generations = [];
  facts.snapshot.verified.ageMs = 3_000_000;
}
