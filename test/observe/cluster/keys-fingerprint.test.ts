/** Keys of a store by what is in them: the same keys are the same, and the keys are not to be found in what is shown. */
import { expect, test } from "vitest";
import { FallbackStorageSpec } from "../../../operator/api/fallback-storage.ts";
import { keysFingerprint } from "../../../operator/observe/cluster/keys-fingerprint.ts";
import { readStorageSecret } from "../../../operator/observe/store/stores.ts";
import { type Loose, storage } from "../objects.ts";

const KEYS = { accessKeyId: "AKIA", secretAccessKey: "hunter2" };
const spec = (change: (spec: Loose) => void = () => {}) => FallbackStorageSpec.parse(storage("eu", change).spec);
const read = (data: Record<string, string>, resourceVersion = "1", of = spec()) => {
  const fact = readStorageSecret(of, "reader", { seen: "present", resourceVersion, data });
  return fact.seen === "present" ? fact.fingerprint : undefined;
};

test("it is a mark of fixed length that is no number", () => {
  expect(read(KEYS)).toMatch(/^k1-[0-9a-f]{20}$/);
});

test.for<[string, string | undefined, boolean]>([
  ["another version of the Secret", read(KEYS, "2"), true],
  ["a key beside them, as controllers add it", read({ ...KEYS, "last-sync": "12:00" }), true],
  ["another order", read({ secretAccessKey: "hunter2", accessKeyId: "AKIA" }), true],
  ["another secret key", read({ ...KEYS, secretAccessKey: "hunter3" }), false],
  ["another key id", read({ ...KEYS, accessKeyId: "AKIB" }), false],
  [
    "the same keys for another bucket",
    read(
      KEYS,
      "1",
      spec((s) => (s.s3.resourceBucket = "other")),
    ),
    true,
  ],
  ["keys that cannot be used", read({ accessKeyId: "AKIA" }), undefined as never],
])("%s: %s is the same", ([, other, same]) => {
  if (same === undefined) expect(other).toBeUndefined();
  else expect(other === read(KEYS)).toBe(same);
});

test("it is no plain hash: a list of hashes of weak keys does not find it, and each try costs milliseconds", () => {
  const began = performance.now();
  for (let i = 0; i < 5; i += 1) keysFingerprint("salt", { key: `weak-${i}` });
  expect(performance.now() - began).toBeGreaterThan(5);
  expect(keysFingerprint("salt", KEYS)).not.toBe(keysFingerprint("other salt", KEYS));
});
