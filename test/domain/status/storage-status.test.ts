import { expect, test } from "vitest";
import { FallbackStorageStatus } from "../../../operator/api/fallback-storage.ts";
import type { SecretFact } from "../../../operator/domain/facts/facts.ts";
import { decideStorage, type StorageStatusFacts } from "../../../operator/domain/status/storage-status.ts";

const secret = (name: string): SecretFact => ({ seen: "present", name, resourceVersion: "1", keys: [] });
const FACTS: StorageStatusFacts = {
  nowMs: Date.parse("2026-05-01T12:00:00Z"),
  generation: 4,
  status: FallbackStorageStatus.parse({}),
  secrets: { writer: secret("w"), reader: secret("r"), operator: secret("o") },
  access: { problems: [] },
};
const problem = (reason: string, message = reason) => ({ reason, field: "f", message });
const secrets = (change: Partial<StorageStatusFacts["secrets"]>) => ({ secrets: { ...FACTS.secrets, ...change } });

test.for([
  ["all is well", {}, "True StorageReachable", "False Accepted"],
  ["the store was not asked yet", { access: "pending" }, "Unknown Progressing", "False Accepted"],
  [
    "the store does not answer: it may heal",
    { access: { problems: [problem("StorageUnavailable")] } },
    "Unknown StorageUnavailable",
    "False Accepted",
  ],
  [
    "wrong keys: a person is needed",
    { access: { problems: [problem("StorageDenied")] } },
    "False StorageDenied",
    "True StorageDenied",
  ],
  [
    "no such bucket",
    { access: { problems: [problem("StorageMisconfigured")] } },
    "False StorageMisconfigured",
    "True StorageMisconfigured",
  ],
  [
    "the reader's Secret is missing, the operator's works",
    secrets({ reader: { seen: "absent", name: "r" } }),
    "False StorageSecretMissing",
    "True StorageSecretMissing",
  ],
  [
    "a Secret that cannot be read just now",
    secrets({ writer: { seen: "unknown", name: "w", why: "timeout" } }),
    "Unknown StorageUnavailable",
    "False Accepted",
  ],
  [
    "a Secret that cannot be read just now, with keys that the store was known to refuse",
    secrets({ reader: { seen: "unknown", name: "r", why: "timeout", problem: problem("StorageDenied") } }),
    "False StorageDenied",
    "True StorageDenied",
  ],
  [
    "a key that the gateway would misread",
    secrets({ reader: { ...secret("r"), problem: problem("StorageSecretInvalid") } as SecretFact }),
    "False StorageSecretInvalid",
    "True StorageSecretInvalid",
  ],
  [
    "no CA bundle",
    { caProblem: problem("StorageMisconfigured"), access: "notAsked" },
    "False StorageMisconfigured",
    "True StorageMisconfigured",
  ],
  [
    "the store is away and a Secret is missing: the one for a person is told as such",
    { ...secrets({ reader: { seen: "absent", name: "r" } }), access: { problems: [problem("StorageUnavailable")] } },
    "False StorageSecretMissing",
    "True StorageSecretMissing",
  ],
] as const)("%s", ([, change, ready, stalled]) => {
  const status = decideStorage({ ...FACTS, ...(change as Partial<StorageStatusFacts>) });
  const of = (type: string) => status.conditions?.find((condition) => condition.type === type);
  expect(`${of("Ready")?.status} ${of("Ready")?.reason}`).toBe(ready);
  expect(`${of("Stalled")?.status} ${of("Stalled")?.reason}`).toBe(stalled);
  expect(status.observedGeneration).toBe(4);
});

test("every problem is in the message, each once", () => {
  const shared = { seen: "absent", name: "keys" } as const;
  const status = decideStorage({
    ...FACTS,
    ...secrets({ writer: shared, reader: shared, operator: shared }),
    access: { problems: [problem("StorageDenied", "bucket a"), problem("StorageDenied", "bucket a")] },
  });
  const message = status.conditions?.find((condition) => condition.type === "Ready")?.message ?? "";
  for (const role of ["writer", "reader", "operator"]) expect(message).toContain(`the ${role}'s storage keys`);
  expect(message.split("bucket a")).toHaveLength(2);
});

test("time alone changes nothing; a change of status sets its time and leaves the others' alone", () => {
  const first = decideStorage(FACTS);
  const later = { ...FACTS, nowMs: FACTS.nowMs + 3_600_000 };
  expect(decideStorage({ ...later, status: first })).toEqual(first);
  const broken = decideStorage({ ...later, status: first, access: { problems: [problem("StorageUnavailable")] } });
  const times = Object.fromEntries((broken.conditions ?? []).map((one) => [one.type, one.lastTransitionTime]));
  expect(times).toEqual({
    Ready: "2026-05-01T13:00:00Z",
    Reconciling: "2026-05-01T12:00:00Z",
    Stalled: "2026-05-01T12:00:00Z",
  });
});
