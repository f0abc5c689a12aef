/** FallbackReady: would a pod that starts now without the control plane serve, and if not, why not? */
import { expect, test } from "vitest";
import { healthy, held, type Loose, lose, planOf } from "../deciding.ts";

const REFUSED = 'Secret "keys": the store refuses the reader\'s keys';
const readyOf = (facts: Loose): Loose =>
  planOf(facts, held(facts, "Reachable", 5_000)).status.conditions?.find(({ type }) => type === "FallbackReady");

/** The order in which it is looked for why no pod could start without the control plane. */
const WRITTEN =
  "What is stored under the key \"edge\" is not the verified snapshot a10000000000. Look for another exporter or operator that writes this key: a backup release of the vendor's chart, or the dashboard's export";

test.for<[string, (facts: Loose) => void, string, string]>([
  [
    "there is none, and nobody exports",
    (f) => {
      noVerified(f);
      f.group.spec.backup.enabled = false;
    },
    "Missing",
    "There is no verified snapshot, and spec.backup.enabled is false",
  ],
  [
    "nobody has exported yet",
    (f) => noVerified(f),
    "NoExportYet",
    "The backup pod has not exported yet: there is no raw snapshot in the store",
  ],
  [
    "the export is old, and others serve",
    (f) => Object.assign(f.snapshot.raw, { ageMs: 3_600_001, lastModifiedMs: 0 }),
    "Stale",
    "The last export is of 1970-01-01T00:00:00.000Z, older than maxAgeSeconds 3600",
  ],
  [
    "it is damaged",
    (f) => (f.snapshot.verified.problems = ["NotJson"]),
    "Unreadable",
    "The verified snapshot cannot be used: NotJson",
  ],
  [
    "the first export did not load",
    (f) => {
      f.snapshot.verified = { seen: "absent" };
      f.group.status.snapshot = { lastRehearsal: { result: "Failed", message: "404 on every route", at: now(f) } };
    },
    "RehearsalFailed",
    "404 on every route",
  ],
  [
    "what an exporter wrote there was never loaded",
    (f) => overwritten(f),
    "ExporterKeyIgnored",
    'The exporter writes to the key "edge" instead of "edge-raw": this gateway does not take the key from its environment, so what pods would start from is unproven',
  ],
  [
    "what stands there was never loaded, and the exporter writes where it should",
    (f) => {
      f.snapshot.verified.digest = "sha256:ff";
      f.snapshot.candidate = { seen: "absent" };
      f.snapshot.generations = [];
    },
    "WrittenByAnother",
    `${WRITTEN}. It is tried as an export would be`,
  ],
  [
    "what stands there was never loaded, and was not written just now",
    (f) => {
      overwritten(f);
      f.snapshot.verified.ageMs = 85_000;
      f.snapshot.candidate = { seen: "absent" };
      f.snapshot.generations = [];
    },
    "WrittenByAnother",
    `${WRITTEN}. It is tried as an export would be`,
  ],
  [
    "what stands there was loaded once, lost its routes since what is on record, and no copy of that is left",
    (f) => {
      const [proof] = f.group.status.snapshot.proofs;
      f.group.status.snapshot.proofs.push({ ...proof, digest: "sha256:ff" });
      Object.assign(f.snapshot.verified, { digest: "sha256:ff", counts: { routes: 0, upstreams: 5, services: 5 } });
      f.snapshot.candidate = { seen: "absent" };
      f.snapshot.generations = [];
    },
    "WrittenByAnother",
    `${WRITTEN}. It is not used: The newest export lost much: routes 40 -> 0`,
  ],
])("the snapshot: %s", ([, change, reason, message]) => {
  const { facts } = healthy();
  change(facts);
  expect(readyOf(facts)).toMatchObject({ status: "False", reason, message });
});

/** Proven, recorded a minute ago, and no raw export: did the exporter write over it since, or was that Holdfast's copy? */
test.for<[string, (facts: Loose) => void, string]>([
  ["written since", () => {}, "ExporterKeyIgnored"],
  ["not written since, and a person removed the raw one", (f) => (f.snapshot.verified.ageMs = 60_000), "Proven"],
  [
    "not written for three intervals, and one in which it is not looked at",
    (f) => (f.snapshot.verified.ageMs = 115_001),
    "ExportLate",
  ],
  ["not written for as long as that", (f) => (f.snapshot.verified.ageMs = 115_000), "Proven"],
  ["as good as not: clocks differ by seconds", (f) => (f.snapshot.verified.ageMs = 50_000), "Proven"],
  ["nobody exports", (f) => (f.group.spec.backup.enabled = false), "Proven"],
  ["in an outage, where nobody exports", (f) => lose(f), "Proven"],
])("a proven pair that is overwritten: %s", ([, change, reason]) => {
  const { facts } = healthy({ backup: { exportIntervalSeconds: 15 } });
  facts.snapshot.raw = { seen: "absent" };
  facts.snapshot.verified.ageMs = 49_999;
  facts.group.status.snapshot.verifiedAt = new Date(facts.nowMs - 60_000).toISOString();
  change(facts);
  expect(readyOf(facts)).toMatchObject({ status: "True", reason });
});

/** Keys that the store no longer knows read nothing, whatever was proven with them. */
test.for<[string, (facts: Loose) => void, string, string | RegExp]>([
  ["all else is well", () => {}, "False StorageDenied", REFUSED],
  ["its Secret cannot be read since", (f) => unreadable(f), "False StorageDenied", REFUSED],
  ["nothing is proven", (f) => (f.group.status.snapshot.proofs = []), "False StorageDenied", REFUSED],
  ["nothing else serves", (f) => nothingServes(f), "False StorageDenied", REFUSED],
  ["the export is late", (f) => (f.snapshot.raw.ageMs = 1_000_000), "False StorageDenied", REFUSED],
  [
    "the export is old, too: that alone takes a proof back",
    (f) => (f.snapshot.raw.ageMs = 4_000_000),
    "False Stale",
    new RegExp(`^The last export is of .+, older than maxAgeSeconds 3600; ${REFUSED}$`),
  ],
  [
    "the pair is damaged, too: the same",
    (f) => (f.snapshot.verified.problems = ["NotJson"]),
    "False Unreadable",
    /NotJson/,
  ],
  [
    "the store does not answer Holdfast just now",
    (f) => (f.snapshot.verified = { seen: "unknown", reason: "StorageUnavailable", why: "HTTP 503" }),
    "Unknown StorageUnavailable",
    "HTTP 503",
  ],
  ["they are the writer's", (f) => writers(f), "True Proven", /^Snapshot .+ is proven with/],
  [
    "it is Holdfast that would not take them: a gateway did",
    (f) => (f.secrets.reader.problem.reason = "StorageSecretInvalid"),
    "True Proven",
    /^Snapshot .+ is proven with/,
  ],
])("the store refuses the reader's keys, and %s", ([, change, ready, message]) => {
  const { facts } = healthy();
  facts.secrets.reader.problem = { reason: "StorageDenied", field: "spec.reader", message: REFUSED };
  change(facts);
  const condition = readyOf(facts);
  expect(`${condition.status} ${condition.reason}`).toBe(ready);
  expect(condition.message).toMatch(message);
});

function unreadable(facts: Loose): void {
  const { name, problem } = facts.secrets.reader;
  facts.secrets.reader = { seen: "unknown", name, why: "timeout", problem };
}
function nothingServes(facts: Loose): void {
  facts.pods = [];
  facts.snapshot.raw.ageMs = 4_000_000;
}
function writers(facts: Loose): void {
  facts.secrets.writer.problem = facts.secrets.reader.problem;
  delete facts.secrets.reader.problem;
}
function noVerified(facts: Loose): void {
  facts.snapshot.verified = { seen: "absent" };
  facts.snapshot.raw = { seen: "absent" };
}
function overwritten(facts: Loose): void {
  Object.assign(facts.snapshot.verified, { digest: "sha256:ff", ageMs: 24_999 });
  facts.snapshot.raw = { seen: "absent" };
}
const now = (facts: Loose): string => new Date(facts.nowMs).toISOString();
