/** An export that nobody can read, or that is gone: what FallbackReady says beside the pair that is proven. */
import { expect, test } from "vitest";
import { healthy, type Loose, planOf } from "../deciding.ts";

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
