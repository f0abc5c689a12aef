import { expect, test } from "vitest";
import { systemClock } from "../../../operator/kube/clock.ts";
import { Store } from "../../../operator/kube/store.ts";
import { isUnreadable, readGroup } from "../../../operator/observe/cluster/group.ts";
import { NEIGHBOURS, type NeighbourStores } from "../../../operator/observe/cluster/neighbour-caches.ts";
import { Neighbours } from "../../../operator/observe/cluster/neighbours.ts";
import { group, type Loose, metadata, pod } from "../objects.ts";

const WATCHED = { name: "X", synced: true, refused: false, staleForMs: 0, lastError: undefined };
const reader = (objects: Partial<Record<keyof NeighbourStores, Loose[]>>, watch: Loose = WATCHED) => {
  const stores = Object.entries(NEIGHBOURS).map(([name, spec]) => {
    const store = new Store<Loose>(spec.project, spec.indexers as Loose, systemClock);
    for (const object of objects[name as keyof NeighbourStores] ?? []) store.put(store.entryOf(object));
    return [name, store];
  });
  const health = () => Object.values(NEIGHBOURS).map(({ resource: { kind } }) => ({ ...watch, kind }));
  return new Neighbours(Object.fromEntries(stores), health);
};

function factsOf(spec: (spec: Loose) => void = () => {}) {
  const read = readGroup(group("edge", spec));
  if (isUnreadable(read)) throw new Error(read.unreadable);
  return read;
}
const labelled = (labels: Loose) => (spec: Loose) => {
  spec.traffic = { podTemplate: { metadata: { labels } } };
};
const named = (name: string, spec: Loose, more: Loose = {}) => ({ metadata: metadata(name, more), spec });
const service = (selector: Loose, more: Loose = {}) => ({ services: [named("s", { selector, ...more })] });
const WEB = { app: "web" };
const wanted = (roles: string[], more: Loose = {}) => ({
  wanted: roles,
  live: [],
  meant: false,
  unready: false,
  ...more,
});
const THROW_AWAY = ["rehearsal", "canary", "witness"];

test.for<[string, Partial<Record<keyof NeighbourStores, Loose[]>>, Loose[]]>([
  ["nobody", {}, []],
  ["a Service for other pods", service({ app: "db" }), []],
  ["a Service without a selector", service(undefined), []],
  ["a Service with an empty one, which selects nothing", service({}), []],
  [
    "a Service by a label of the podTemplate",
    service(WEB),
    [{ kind: "Service", name: "s", ...wanted(["traffic", ...THROW_AWAY]) }],
  ],
  [
    "one that publishes what is not ready",
    service(WEB, { publishNotReadyAddresses: true }),
    [{ kind: "Service", name: "s", ...wanted(["traffic", ...THROW_AWAY], { unready: true }) }],
  ],
  ["it asks for one label more", service({ ...WEB, tier: "back" }), []],
  [
    "by Holdfast's labels",
    service({ "holdfast.dev/group": "edge" }),
    [{ kind: "Service", name: "s", ...wanted(["traffic", "backup", ...THROW_AWAY], { meant: true }) }],
  ],
  ["of another group", service({ "holdfast.dev/group": "other" }), []],
  [
    "a budget of all pods in the namespace",
    { budgets: [named("b", { selector: {} })] },
    [{ kind: "PodDisruptionBudget", name: "b", ...wanted(["traffic", "backup", ...THROW_AWAY]) }],
  ],
  ["a budget without a selector, which counts nothing", { budgets: [named("b", {})] }, []],
  [
    "a budget by expressions",
    {
      budgets: [
        named("b", {
          selector: { matchExpressions: [{ key: "holdfast.dev/role", operator: "In", values: ["backup"] }] },
        }),
      ],
    },
    [{ kind: "PodDisruptionBudget", name: "b", ...wanted(["backup"], { meant: true }) }],
  ],
  [
    "a Deployment and a StatefulSet",
    {
      deployments: [named("d", { selector: { matchLabels: WEB } })],
      statefulSets: [named("t", { selector: { matchLabels: WEB } })],
    },
    [
      { kind: "Deployment", name: "d", ...wanted(["traffic", ...THROW_AWAY]) },
      { kind: "StatefulSet", name: "t", ...wanted(["traffic", ...THROW_AWAY]) },
    ],
  ],
  [
    "an autoscaler of the child, and of others",
    {
      autoscalers: [
        named("h", { scaleTargetRef: { kind: "Deployment", name: "edge" } }),
        named("ok", { scaleTargetRef: { kind: "GatewayGroup", name: "edge" } }),
        named("far", { scaleTargetRef: { kind: "Deployment", name: "other" } }),
      ],
    },
    [{ kind: "HorizontalPodAutoscaler", name: "h", ...wanted([], { scales: "edge" }) }],
  ],
  ["in another namespace", { services: [named("s", { selector: WEB }, { namespace: "other" })] }, []],
])("seen: %s", ([, objects, expected]) => {
  expect(reader(objects).of(factsOf(labelled(WEB)), [])).toEqual({ seen: expected, unread: [] });
});

test("pods that exist may have labels that new ones have not", () => {
  const old = pod("old", ({ metadata: { labels } }) => Object.assign(labels, { "app.kubernetes.io/name": "gateway" }));
  const found = reader(service({ "app.kubernetes.io/name": "gateway" })).of(factsOf(), [old]);
  expect(found.seen).toEqual([
    { kind: "Service", name: "s", wanted: [], live: ["traffic"], meant: false, unready: false },
  ]);
});

test.for<[string, Loose, boolean, number]>([
  ["all was listed", WATCHED, true, 0],
  ["nothing was listed yet", { ...WATCHED, synced: false }, false, 5],
  [
    "the right to list is missing: nobody waits for it",
    { ...WATCHED, synced: false, refused: true, lastError: "403" },
    true,
    5,
  ],
])("%s", ([, watch, ready, unread]) => {
  const found = reader({}, watch);
  expect(found.isReady("gw")).toBe(ready);
  expect(found.of(factsOf(), []).unread).toHaveLength(unread);
});

test("of somebody else's object nothing is kept but whom it selects", () => {
  const heavy = {
    metadata: metadata("d", { annotations: { big: "x".repeat(10_000) }, labels: { a: "b" } }),
    spec: { selector: { matchLabels: WEB }, template: { spec: { containers: [{ name: "c" }] } } },
    status: { replicas: 3 },
  };
  expect(NEIGHBOURS.deployments.project(heavy as Loose)).toEqual({
    kind: "Deployment",
    selector: { matchLabels: WEB },
  });
  for (const { labelSelector } of Object.values(NEIGHBOURS)) expect(labelSelector).toBe("!holdfast.dev/group");
});
