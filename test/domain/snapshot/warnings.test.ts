/** Odd items of a snapshot reach a condition and the status, bounded; what cannot be read just now takes none away. */
import { expect, test } from "vitest";
import { warningsOf, warningsSaying } from "../../../operator/domain/snapshot/warnings.ts";
import { healthy, held, type Loose, planOf } from "../deciding.ts";

const warning = (id: string) => ({
  reason: "VariableInSnapshot",
  kind: "routes",
  id,
  path: "desc",
  message: `routes/${id} at desc`,
});
const unknown = { seen: "unknown", reason: "StorageUnavailable", why: "it does not answer" };

/** What the status lists by id, and what the condition says. */
function shown(change: (facts: Loose) => void) {
  const { facts } = healthy();
  change(facts);
  const { status, events, broken } = planOf(facts, held(facts, "Reachable", 5_000));
  const condition = status.conditions?.find(({ type }) => type === "SnapshotWarnings");
  const told = events.filter(({ action }) => action === "SnapshotWarnings").map(({ type, reason }) => [type, reason]);
  return { ids: status.snapshot?.warnings?.map(({ id }) => id), message: condition?.message, told, broken };
}

test("none: no list, no condition", () => {
  expect(shown(() => undefined)).toEqual({ ids: undefined, message: undefined, told: [], broken: [] });
});

test("those of the verified pair and of the newest export, each once", () => {
  const seen = shown((f) => {
    f.snapshot.verified.warnings = [warning("a"), warning("b")];
    f.snapshot.raw.warnings = [warning("b"), warning("c")];
  });
  expect(seen).toEqual({
    ids: ["a", "b", "c"],
    message: "routes/a at desc; routes/b at desc; routes/c at desc",
    told: [["Warning", "VariableInSnapshot"]],
    broken: [],
  });
});

test("of many twenty are listed, and three are quoted", () => {
  const many = Array.from({ length: 30 }, (_, n) => warning(`r${n}`));
  const { ids, message } = shown((f) => (f.snapshot.verified.warnings = many));
  expect([ids?.length, message]).toEqual([
    20,
    "routes/r0 at desc; routes/r1 at desc; routes/r2 at desc; and 17 more in status.snapshot.warnings",
  ]);
});

test.for<[string, (facts: Loose) => void, string[] | undefined]>([
  ["they are gone", () => undefined, undefined],
  ["a store that does not answer", (f) => (f.snapshot.raw = f.snapshot.verified = unknown), ["before"]],
  ["one pair that can be read", (f) => (f.snapshot.raw = unknown), undefined],
  ["no pair at all", (f) => (f.snapshot.raw = f.snapshot.verified = { seen: "absent" }), undefined],
])("after some were listed: %s", ([, change, ids]) => {
  const seen = shown((f) => {
    f.group.status.snapshot.warnings = [warning("before")];
    change(f);
  });
  expect(seen.ids).toEqual(ids);
});

test("each text is cut to what the schema takes", () => {
  const long = {
    reason: "r".repeat(99),
    kind: "k".repeat(99),
    id: "i".repeat(999),
    path: "p".repeat(999),
    message: "",
  };
  const { facts } = healthy();
  facts.snapshot.verified.warnings = [{ ...long, message: "m".repeat(999) }];
  const [one] = warningsOf(facts, undefined) ?? [];
  expect(Object.values(one ?? {}).map((text) => text?.length)).toEqual([64, 64, 128, 256, 512]);
  expect(warningsSaying([])).toEqual([]);
});
