/** How old the verified pair is: by the last export that had its content, not by whether the exporter goes on. */
import { expect, test } from "vitest";
import { healthy, held, type Loose, lose, planOf, told } from "../deciding.ts";
import { exported, last, NEW, unknown } from "./pipeline-facts.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const denied = { seen: "unknown", reason: "StorageDenied", why: "these keys lack the right" };
const since = (facts: Loose, agoMs: number) => {
  facts.group.status.snapshot.unconfirmedSince = new Date(facts.nowMs - agoMs).toISOString();
};

function newer(f: Loose): void {
  exported(f);
  since(f, 2 * HOUR);
}
const problem = { reason: "StorageDenied", field: "", message: "these keys lack the right" };
/** What keeps a newer export from taking the place of the verified pair, and says nothing against that one. */
const HELD_BACK: [string, (facts: Loose) => void][] = [
  ["no copy can be written", (f) => (f.copying = { paused: true, problem })],
  ["the mark cannot be read", (f) => (f.snapshot.owner = { is: "unknown", reason: "StorageDenied", why: "403" })],
  [
    "this cluster is not known",
    (f) => (f.snapshot.owner = { is: "unknown", reason: "StoreOwnerUnknown", why: "forbidden" }),
  ],
  [
    "it loaded, and the copies cannot be listed",
    (f) => {
      last(f, "Loaded", HOUR, NEW);
      delete f.snapshot.generations;
    },
  ],
];

/** maxAgeSeconds is an hour, a newer export waits up to a quarter of one for its rehearsal. What FALLBACK says. */
test.for<[string, (facts: Loose) => void, string, RegExp?]>([
  ["written 60 days ago, and exports confirm it each minute", (f) => (f.snapshot.verified.ageMs = 60 * DAY), "Proven"],
  [
    "written 60 days ago, and no export could ever be read",
    (f) => {
      f.snapshot.verified.ageMs = 60 * DAY;
      f.snapshot.raw = { seen: "unknown", reason: "StorageMisconfigured", why: "it is larger than 16 bytes" };
    },
    "Stale",
    /the newest export cannot be read: it is larger than 16 bytes/,
  ],
  [
    "written 60 days ago, and confirmed until the right to read exports was taken away a minute ago",
    (f) => {
      f.snapshot.verified.ageMs = 60 * DAY;
      f.snapshot.raw = { ...denied, before: { digest: f.snapshot.verified.digest, lastModifiedMs: f.nowMs - 60_000 } };
    },
    "ExportLate",
  ],
  [
    "the right was taken away two hours ago",
    (f) => {
      f.snapshot.raw = denied;
      since(f, 2 * HOUR);
    },
    "Stale",
    /cannot be read: these keys lack the right/,
  ],
  [
    "the right was taken away two hours ago, and the store is silent at the moment: nothing moves",
    (f) => {
      f.snapshot.raw = unknown;
      since(f, 2 * HOUR);
    },
    "Stale",
  ],
  [
    "written 60 days ago, and the store is silent at the moment: nothing moves",
    (f) => {
      f.snapshot.verified.ageMs = 60 * DAY;
      f.snapshot.raw = unknown;
    },
    "Proven",
  ],
  ["a newer export is there, and waits to be proven", (f) => exported(f), "Proven"],
  [
    "a newer export waits for more than an hour, as the pause between rehearsals allows",
    (f) => {
      exported(f);
      since(f, HOUR + 800_000);
    },
    "Proven",
  ],
  [
    "newer exports fail to load for two hours, and the exporter goes on",
    (f) => {
      exported(f);
      since(f, 2 * HOUR);
      last(f, "Failed", 1_000, NEW);
      f.group.status.snapshot.lastRehearsal.message = "routes 41 -> 40";
    },
    "Stale",
    /the last rehearsal failed: routes 41 -> 40/,
  ],
  [
    "newer exports are not trusted for two hours: the verified pair is the last good one",
    (f) => {
      exported(f, {});
      f.group.status.snapshot.quarantined = NEW;
      since(f, 2 * HOUR);
    },
    "Proven",
  ],
  ...HELD_BACK.map(([why, change]): [string, (facts: Loose) => void, string] => [
    `newer exports are held back for two hours: ${why}`,
    (f) => {
      newer(f);
      change(f);
    },
    "Proven",
  ]),
  ...HELD_BACK.map(([why, change]): [string, (facts: Loose) => void, string] => [
    `held back, and newer exports fail to load for two hours: ${why}`,
    (f) => {
      newer(f);
      change(f);
      last(f, "Failed", 1_000, NEW);
    },
    "Stale",
  ]),
  ...HELD_BACK.map(([why, change]): [string, (facts: Loose) => void, string] => [
    `held back, and the exporter ended two hours ago: ${why}`,
    (f) => {
      newer(f);
      change(f);
      f.snapshot.raw.ageMs = 2 * HOUR;
    },
    "Stale",
  ]),
  ...HELD_BACK.map(([why, change]): [string, (facts: Loose) => void, string] => [
    `held back, and exports cannot be read for two hours: ${why}`,
    (f) => {
      newer(f);
      change(f);
      f.snapshot.raw = denied;
    },
    "Stale",
  ]),
  [
    "newer exports are not tried for two hours, and whose keys these are is not read yet: nothing moves",
    (f) => {
      newer(f);
      f.snapshot.owner = { is: "unknown", reason: "StorageUnavailable", why: "it was not read yet" };
    },
    "Stale",
  ],
  [
    "newer exports are not tried for two hours, and no copy could be listed: they need none yet",
    (f) => {
      newer(f);
      delete f.snapshot.generations;
    },
    "Stale",
  ],
  ["newer exports are not tried for two hours", newer, "Stale", /was not proven yet/],
])("%s: %s", ([, change, reason, message = /./]) => {
  const { facts } = healthy();
  change(facts);
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  const said = plan.status.conditions?.find(({ type }) => type === "FallbackReady");
  expect([said?.reason, plan.broken]).toEqual([reason, []]);
  expect(said?.message).toMatch(message);
});

test.for<[string, (facts: Loose) => void, string, string | undefined]>([
  [
    "no export could ever be read, and the pair is of 60 days",
    (f) => {
      f.snapshot.verified.ageMs = 60 * DAY;
      f.snapshot.raw = denied;
    },
    "Normal",
    "NoProof",
  ],
  [
    "no export confirmed it for half an hour before the loss, which lasts for five hours",
    (f) => {
      f.snapshot.raw = denied;
      since(f, 5.5 * HOUR);
    },
    "ToFallback",
    undefined,
  ],
])("in an outage: %s", ([, change, mode, reason]) => {
  const { facts } = healthy();
  lose(facts);
  facts.group.status.controlPlane.lostAt = new Date(facts.nowMs - 5 * HOUR).toISOString();
  change(facts);
  const plan = planOf(facts, held(facts, "Unreachable", 5 * HOUR));
  expect([plan.status.mode, told(plan, "Held")]).toEqual([mode, reason]);
});

/** What is recorded, so that a restart of Holdfast makes nothing younger: ms ago. */
test.for<[string, (facts: Loose) => void, number | undefined]>([
  ["exports confirm it", () => {}, undefined],
  ["exports confirm it again", (f) => since(f, DAY), undefined],
  [
    "a newer export came",
    (f) => {
      exported(f);
      f.snapshot.raw.ageMs = 7_000;
    },
    7_000,
  ],
  [
    "a newer export came long ago",
    (f) => {
      exported(f);
      since(f, DAY);
    },
    DAY,
  ],
  [
    "newer exports come, and are held back",
    (f) => {
      newer(f);
      f.copying = { paused: true, problem };
      f.snapshot.raw.ageMs = 7_000;
    },
    7_000,
  ],
  [
    "newer exports come, and are held back: not each of them is recorded",
    (f) => {
      exported(f);
      since(f, HOUR / 4);
      f.copying = { paused: true, problem };
    },
    HOUR / 4,
  ],
  [
    "there is no export",
    (f) => {
      f.snapshot.raw = { seen: "absent" };
      f.snapshot.verified.ageMs = DAY;
    },
    DAY,
  ],
  [
    "the store is silent",
    (f) => {
      f.snapshot.raw = unknown;
      since(f, DAY);
    },
    DAY,
  ],
  [
    "another pair became the verified one, and a newer export is there already",
    (f) => {
      since(f, DAY);
      exported(f);
      f.snapshot.verified.digest = `sha256:${"c3".padEnd(64, "0")}`;
      f.snapshot.candidate = { ...f.snapshot.verified };
      const [proof] = f.group.status.snapshot.proofs;
      f.group.status.snapshot.proofs.push({ ...proof, digest: f.snapshot.verified.digest });
    },
    0,
  ],
])("recorded: %s", ([, change, agoMs]) => {
  const { facts } = healthy();
  change(facts);
  const { unconfirmedSince } = planOf(facts, held(facts, "Reachable", 5_000)).status.snapshot ?? {};
  expect(unconfirmedSince).toBe(agoMs === undefined ? undefined : new Date(facts.nowMs - agoMs).toISOString());
});

/** A rehearsal has just proven what stands under the verified key, which was written a day ago; no export can be read. */
test.for<[string, (facts: Loose) => void, number]>([
  ["the status was lost: it is as old as it was", () => {}, DAY],
  ["another pair was on record: it is as young as can be", (f) => (f.group.status.snapshot.digest = NEW), 0],
])("a pair that becomes the verified one: %s", ([, change, ageMs]) => {
  const { facts } = healthy();
  const { proofs } = facts.group.status.snapshot;
  facts.group.status.snapshot = { proofs };
  facts.snapshot.verified.ageMs = DAY;
  facts.snapshot.raw = denied;
  change(facts);
  const { unconfirmedSince } = planOf(facts, held(facts, "Reachable", 1_000)).status.snapshot ?? {};
  expect(facts.nowMs - Date.parse(unconfirmedSince ?? "")).toBe(ageMs);
});
