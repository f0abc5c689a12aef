import { expect, test } from "vitest";
import type { GroupFacts } from "../../../operator/domain/facts/facts.ts";
import { isUnreadable, readGroup, readStorage } from "../../../operator/observe/cluster/group.ts";
import { group, storage } from "../objects.ts";

const owner = (
  manager: string,
  time: string,
  subresource?: string,
  fields: object = { "f:spec": { "f:traffic": { "f:replicas": {} } } },
) => ({
  manager,
  time,
  fieldsV1: fields,
  ...(subresource && { subresource }),
});

test("a group is parsed with its defaults, and once per object", () => {
  const object = group();
  const read = readGroup(object) as GroupFacts;
  expect(read.spec.traffic.replicas).toBe(2);
  expect(read.status.observedGeneration).toBe(-1);
  expect(read).toMatchObject({ namespace: "gw", name: "edge", uid: "uid-edge", resourceVersion: "7", deleting: false });
  expect(readGroup(object)).toBe(read);
});

test("a spec that did not change stays one object when status is written, and one that did is read anew", () => {
  const specOf = (object: ReturnType<typeof group>) => (readGroup(object) as GroupFacts).spec;
  const before = specOf(group());
  expect(specOf({ ...group(), status: { mode: "Normal" } })).toBe(before);
  const changed = specOf(group("edge", (spec) => (spec.traffic = { replicas: 5 })));
  expect(changed.traffic.replicas).toBe(5);
  expect(specOf(group()).traffic.replicas).toBe(2);
});

test.for([
  ["nobody is known to own the replicas", [], "other"],
  ["kubectl apply owns them", [owner("kubectl", "2026-01-01T00:00:00Z")], "other"],
  ["an HPA came through the scale subresource", [owner("hpa", "2026-01-01T00:00:00Z", "scale")], "scale"],
  [
    "a person applied after the HPA",
    [owner("hpa", "2026-01-01T00:00:00Z", "scale"), owner("kubectl", "2026-01-02T00:00:00Z")],
    "other",
  ],
  [
    "scale came for something that is not the replicas",
    [owner("hpa", "2026-01-03T00:00:00Z", "scale", { "f:status": {} }), owner("kubectl", "2026-01-02T00:00:00Z")],
    "other",
  ],
] as const)("replicas: %s", ([, managedFields, expected]) => {
  const read = readGroup(group("edge", undefined, { managedFields })) as GroupFacts;
  expect(read.replicasSetBy).toBe(expected);
});

test.for([
  ["a spec of another version", { ...group(), spec: { shortID: "edge" } }, /^spec: gateway: /],
  ["a recorded mode that is not known here", { ...group(), status: { mode: "Sideways" } }, /^status: mode: /],
] as const)("%s is unreadable, and never taken for a new group", ([, object, why]) => {
  const read = readGroup(object);
  expect(isUnreadable(read) && read.unreadable).toMatch(why);
});

test("a storage that cannot be read names the field", () => {
  const read = readStorage(storage("store", (spec) => (spec.s3.region = 7)));
  expect(isUnreadable(read) && read.unreadable).toMatch(/^spec: s3\.region: /);
});
