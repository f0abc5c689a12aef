import { expect, test } from "vitest";
import { obsolete } from "../../../operator/domain/desired/cleanup.ts";
import type { KubeObject } from "../../../operator/domain/facts/cluster.ts";
import { type Loose, NOW_MS, running, type World, wanted } from "./world.ts";

const HOUR_MS = 3_600_000;
const OLD = new Date(NOW_MS - HOUR_MS - 1_000).toISOString();
const YOUNG = new Date(NOW_MS - HOUR_MS + 1_000).toISOString();
const LABELS = { "holdfast.dev/group": "edge", "holdfast.dev/role": "traffic" };

function object(kind: string, name: string, changes: Partial<KubeObject["metadata"]> = {}): KubeObject {
  const metadata = { name, uid: `uid-of-${name}`, creationTimestamp: OLD, labels: LABELS, ...changes };
  return { apiVersion: "v1", kind, metadata };
}

/** Names of what is deleted, when `extra` exists beside what is wanted. */
function deleted(extra: KubeObject[], changes: World = {}, inUse: string[] = []): string[] {
  const facts = running({}, changes);
  const byName = new Map(
    [...facts.children.byName.values(), ...extra].map((each) => [
      `${each.kind}/${each.metadata.name}`,
      { ...each, metadata: { uid: `uid-of-${each.metadata.name}`, creationTimestamp: OLD, ...each.metadata } },
    ]),
  );
  const children = { ...facts.children, byName, configsInUse: new Set(inUse) };
  return obsolete({ ...facts, children }, wanted(changes)).map((step: Loose) => {
    expect(step).toMatchObject({ do: "delete", uid: `uid-of-${step.name}` });
    return `${step.kind}/${step.name}`;
  });
}

const STALE = "edge-normal-0123456789ab";
test.for<[string, KubeObject[], string[], string[]]>([
  ["nothing, when all is as wanted", [], [], []],
  ["an old configuration that nobody names", [object("ConfigMap", STALE)], [], [`ConfigMap/${STALE}`]],
  ["not one that a pod or ReplicaSet names", [object("ConfigMap", STALE)], [STALE], []],
  ["not one that is younger than an hour", [object("ConfigMap", STALE, { creationTimestamp: YOUNG })], [], []],
  ["not one without our label", [object("ConfigMap", STALE, { labels: {} })], [], []],
  ["not one of a group with a longer name", [object("ConfigMap", "edge-normal-x-normal-0123456789ab")], [], []],
  ["not the user's", [object("ConfigMap", "edge-normal-settings")], [], []],
  ["not the start ConfigMap", [object("ConfigMap", "edge-start")], [], []],
])("deletes %s", ([, extra, inUse, expected]) => {
  expect(deleted(extra, {}, inUse)).toEqual(expected);
});

test("a configuration that the live template still names stays, also when no pod does", () => {
  const renamed: World = { rendered: { normal: "new: 1\n" } };
  expect(deleted([], renamed)).toEqual([]);
});

test.for<[string, World, string[]]>([
  ["the exporter goes with backup.enabled", { spec: { backup: { enabled: false } } }, ["Deployment/edge-backup"]],
  ["the Service goes with service.enabled", { spec: { traffic: { service: { enabled: false } } } }, ["Service/edge"]],
  [
    "an exporter that cannot be rendered stays",
    { rendered: { exporter: undefined as Loose }, facts: { storage: { seen: "absent", name: "eu" } } },
    [],
  ],
])("%s", ([, changes, expected]) => {
  expect(deleted([], changes).filter((id) => !id.startsWith("ConfigMap/"))).toEqual(expected);
});

test("a stranger's Service of that name is never deleted", () => {
  const disabled: World = { spec: { traffic: { service: { enabled: false } } } };
  expect(deleted([object("Service", "edge", { labels: { app: "mine" } })], disabled)).toEqual([]);
});
