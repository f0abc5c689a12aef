import { expect, test } from "vitest";
import type { GroupFacts } from "../../../operator/domain/facts/facts.ts";
import { readGroup } from "../../../operator/observe/cluster/group.ts";
import { PeerIndex } from "../../../operator/observe/cluster/group-index.ts";
import { locationOf } from "../../../operator/observe/store/stores.ts";
import { caches, group, type Loose, storage } from "../objects.ts";

const CENSUS = { probed: 3, lost: 1 };

/** Groups that share control plane and store unless changed; the first is the eldest. */
function world(...objects: Loose[]) {
  const index = new PeerIndex(
    caches({ storages: [storage(), storage("other", (s) => (s.s3.resourceBucket = "res2"))] }).storages,
  );
  for (const object of objects) index.update(`gw/${object.metadata.name}`, object);
  const of = (object: Loose) => index.of(readGroup(object) as GroupFacts, CENSUS);
  return { index, of };
}
const born = (day: number) => ({ creationTimestamp: `2026-01-0${day}T00:00:00Z` });
const moving = (object: Loose, mode = "ToFallback") => ({ ...object, status: { mode } });
const wave = (object: Loose, number: string) => {
  object.metadata.annotations = { "holdfast.dev/wave": number };
  return object;
};

test("groups on one control plane know of each other, others do not count", () => {
  const [a, b] = [group("a"), group("b")];
  const far = group("far", (spec) => (spec.controlPlane.endpoint = "https://far:7943"));
  const { of } = world(a, b, far);
  expect(of(a)).toEqual({ controlPlanes: 3, controlPlanesLost: 1, sharing: 2, moving: 0, earlierWavesOpen: 0 });
  expect(of(far).sharing).toBe(1);
});

test("those that move now and come before are counted: two that return at once do not wait for each other", () => {
  const [a, b, c] = [moving(group("a"), "ToNormal"), moving(group("b"), "ToNormal"), group("c")];
  const { of } = world(a, b, c);
  expect([of(a).moving, of(b).moving, of(c).moving]).toEqual([0, 1, 2]);
});

test.for([
  ["in its wave", "1"],
  ["in a later wave", "2"],
] as const)("one whose move cannot go on takes nobody's turn, %s", ([, own]) => {
  const [a, b] = [wave(moving(group("a")), "1"), wave(moving(group("b")), own)];
  const Held = { type: "Held", status: "True", reason: "SurgeImpossible", message: "no room", observedGeneration: 1 };
  a.status = { ...a.status, conditions: [{ ...Held, lastTransitionTime: "2026-01-01T00:00:00Z" }] } as never;
  expect(world(a, b).of(b)).toMatchObject({ moving: 0, earlierWavesOpen: 0 });
});

test.for([
  ["an earlier wave that moves is open", "1", "2", 1],
  ["the same wave does not wait for itself", "2", "2", 0],
  ["a later wave is not waited for", "3", "2", 0],
  ["no number is the first wave", "soon", "2", 1],
] as const)("waves: %s", ([, other, own, open]) => {
  const me = wave(group("me"), own);
  const { of } = world(wave(moving(group("other")), other), me);
  expect(of(me).earlierWavesOpen).toBe(open);
});

const shared = (name: string, day: number, change?: (spec: Loose) => void) =>
  group(name, (spec) => Object.assign(spec, { shortID: "same" }) && change?.(spec), born(day));
test.for([
  [
    "the younger of two exporters on one key is refused",
    shared("old", 1),
    shared("new", 2),
    { group: "gw/old", foreign: false },
  ],
  ["the elder is not", shared("x", 2), shared("me", 1), undefined],
  ["another key", group("old", undefined, born(1)), shared("new", 2), undefined],
  ["another bucket", shared("old", 1, (s) => (s.fallback.storageRef.name = "other")), shared("new", 2), undefined],
  [
    "same control plane, and the elder does not export",
    shared("old", 1, (s) => (s.backup = { enabled: false })),
    shared("new", 2),
    undefined,
  ],
  [
    "another control plane, exporting or not",
    shared("old", 1, (s) =>
      Object.assign(s, { backup: { enabled: false }, controlPlane: { ...s.controlPlane, endpoint: "https://b" } }),
    ),
    shared("new", 2),
    { group: "gw/old", foreign: true },
  ],
  [
    "the same control plane in other letters, which the elder does not export",
    shared("old", 1, (s) =>
      Object.assign(s, { backup: { enabled: false }, controlPlane: { ...s.controlPlane, endpoint: "https://CP:443" } }),
    ),
    shared("new", 2, (s) => Object.assign(s, { controlPlane: { ...s.controlPlane, endpoint: "https://cp" } })),
    undefined,
  ],
  ["born in the same second: by name", shared("a", 1), shared("b", 1), { group: "gw/a", foreign: false }],
] as const)("one object key: %s", ([, other, me, conflict]) => {
  expect(world(other, me).of(me).keyConflict).toEqual(conflict);
});

test("the younger is woken when the elder goes; groups of one control plane do not wake each other", () => {
  const [old, young, beside] = [shared("old", 1), shared("young", 2), group("beside")];
  const { index, of } = world(old, young, beside);
  expect(index.update("gw/old", moving(old)), "a move is no news for others").toEqual([]);
  expect(index.update("gw/old", undefined)).toEqual(["gw/young"]);
  expect(of(young).keyConflict).toBeUndefined();
});

const s3 = (endpoint?: string) => ({
  type: "S3",
  s3: { region: "eu-west-1", ...(endpoint && { endpoint }), resourceBucket: "r", configBucket: "c" },
});
const azure = (endpoint?: string) => ({
  type: "AzureBlob",
  azureBlob: { accountName: "acme", ...(endpoint && { endpoint }), resourceContainer: "r", configContainer: "c" },
});
test.for([
  ["a slash at the end", s3("https://minio:9000"), s3("https://minio:9000/"), true],
  ["the scheme", s3("https://minio:9000"), s3("http://MINIO:9000"), true],
  ["another port", s3("https://minio:9000"), s3("https://minio:9001"), false],
  ["another path", s3("https://gw/a"), s3("https://gw/b"), false],
  ["AWS, and AWS by name", s3(), s3("https://s3.eu-west-1.amazonaws.com"), true],
  ["AWS, and a server of one's own", s3(), s3("https://s3.acme.io"), false],
  ["Azure, and Azure by name", azure(), azure("https://acme.blob.core.windows.net/"), true],
  ["Azurite", azure(), azure("http://azurite:10000/acme"), false],
] as const)("one place or two: %s", ([, a, b, same]) => {
  expect(locationOf(a as Loose) === locationOf(b as Loose)).toBe(same);
});
