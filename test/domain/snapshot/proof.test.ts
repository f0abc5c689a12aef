/** For which keys of the reader a proof is: by what is in their Secret, not by how often it was written. */
import { expect, test } from "vitest";
import { done, healthy, held, type Loose, planOf, told } from "../deciding.ts";

const secret = (facts: Loose, resourceVersion: string, fingerprint?: string): void => {
  Object.assign(facts.secrets.reader, { resourceVersion, ...(fingerprint ? { fingerprint } : {}) });
};
const recorded = (facts: Loose, version: string): void => {
  for (const proof of facts.group.status.snapshot.proofs) proof.readerSecretVersion = version;
};

test.for<[string, (facts: Loose) => void, boolean]>([
  ["the same keys", (f) => [recorded(f, "k1-a"), secret(f, "1", "k1-a")], true],
  ["the same keys, after an annotation", (f) => [recorded(f, "k1-a"), secret(f, "2", "k1-a")], true],
  ["other keys", (f) => [recorded(f, "k1-a"), secret(f, "2", "k1-b")], false],
  ["recorded by an earlier version, the same Secret", (f) => [recorded(f, "1"), secret(f, "1", "k1-a")], true],
  ["recorded by an earlier version, written since", (f) => [recorded(f, "1"), secret(f, "2", "k1-a")], false],
])("%s: proven", ([, change, proven]) => {
  const { facts } = healthy();
  change(facts);
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  expect(told(plan, "FallbackReady") === "Proven").toBe(proven);
  expect(done(plan).some((step) => step.includes("rehearsal"))).toBe(!proven);
});

test("what an earlier version recorded is recorded by content, before the next annotation on the Secret", () => {
  const { facts } = healthy();
  recorded(facts, "1");
  secret(facts, "1", "k1-a");
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  expect(plan.status.snapshot?.proofs?.map(({ readerSecretVersion }) => readerSecretVersion)).toEqual(["k1-a"]);
  expect(plan.status.snapshot?.proofs?.[0]?.at).toBe(facts.group.status.snapshot.proofs[0].at);
});

test("a rehearsal carries the content of the keys that it is made with", () => {
  const { facts } = healthy();
  facts.group.status.snapshot.proofs = [];
  facts.group.status.snapshot.lastRehearsal.at = new Date(facts.nowMs - 86_400_000).toISOString();
  secret(facts, "7", "k1-a");
  const { steps } = planOf(facts, held(facts, "Reachable", 5_000));
  const pod = steps.find((step) => step.do === "create" && step.object.kind === "Pod") as Loose;
  expect(pod.object.metadata.annotations["holdfast.dev/reader-secret-version"]).toBe("k1-a");
});
