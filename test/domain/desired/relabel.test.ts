/** Beside a release of the vendor's chart, whatever its name: nobody's selector takes the other's pods. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ROLES } from "../../../operator/api/names.ts";
import { desired } from "../../../operator/domain/desired/index.ts";
import { podLabels } from "../../../operator/domain/desired/pod-labels.ts";
import { canaryPod, rehearsalPod, witnessPod } from "../../../operator/domain/desired/throwaway-pods.ts";
import type { Facts } from "../../../operator/domain/facts/facts.ts";
import { type Selector, selects } from "../../../operator/domain/values/selector.ts";
import { fullNameOf, release } from "../../neighbour/release.ts";
import { allOf, type Loose, NORMAL, type World, world } from "./world.ts";

const named = (name: string, changes: World = {}): Facts => {
  const facts = world(changes);
  return { ...facts, group: { ...facts.group, name } };
};

/** Labels of every pod of a group, by role; a ReplicaSet adds its hash. */
function podsOf(facts: Facts): Record<string, Record<string, string>> {
  const found = desired(facts, NORMAL);
  const once = { suffix: "1", expectedCounts: {} };
  const labels = (pod: Loose) => ({ ...pod.metadata.labels });
  const replica = (workload: Loose) => ({ ...labels(workload.spec.template), "pod-template-hash": "7d9f" });
  return {
    traffic: replica(found.traffic),
    backup: replica(found.backup),
    rehearsal: labels(rehearsalPod(facts, found, once)),
    canary: labels(canaryPod(facts, found, once)),
    witness: labels(witnessPod(facts, found, once)),
  };
}

/** Of Services, budgets, Deployments and policies: as a label selector. */
const selectorsOf = (objects: readonly Loose[]): [string, Selector][] =>
  objects.flatMap(({ kind, metadata, spec }): [string, Selector][] => {
    const found = spec?.selector ?? spec?.podSelector;
    if (found === undefined) return [];
    return [[`${kind}/${metadata.name}`, kind === "Service" ? { matchLabels: found } : found]];
  });

const releaseOf = (name: string) => {
  const made = release({ name, namespace: "gateways", container: { name: "gateway" } });
  return { objects: Object.values(made) as Loose[], pod: made.deployment.spec.template.metadata.labels };
};

/** Whom whose selector takes, "Service/edge-gateway takes backup". */
function taken(facts: Facts, releaseName: string): string[] {
  const theirs = releaseOf(releaseName);
  const ours = Object.entries(podsOf(facts));
  const own = allOf(desired(facts, NORMAL)) as Loose[];
  return [
    ...selectorsOf(theirs.objects).flatMap(([id, selector]) =>
      ours.filter(([, labels]) => selects(selector, labels)).map(([role]) => `${id} takes ${role}`),
    ),
    ...selectorsOf(own).flatMap(([id, selector]) => (selects(selector, theirs.pod) ? [`${id} takes theirs`] : [])),
  ];
}

const NAMES = ["edge", "edge-gateway", "gateway", "GatewayGroup.edge", "holdfast", "holdfast-gateway", "a"];
const TEMPLATES: [string, World][] = [
  ["without a podTemplate", {}],
  [
    "with labels of the user's",
    {
      spec: Object.fromEntries(
        ["traffic", "backup"].map((role) => [
          role,
          {
            podTemplate: {
              metadata: { labels: { app: "gateway", release: "edge", "app.kubernetes.io/part-of": "edge" } },
            },
          },
        ]),
      ),
    },
  ],
];

test.for(TEMPLATES)("no selector of a release takes a pod of a group, nor the other way round: %s", ([, changes]) => {
  for (const name of NAMES)
    for (const group of ["edge", "gateway", "edge-gateway"]) expect(taken(named(group, changes), name)).toEqual([]);
});

test("of any two names", () => {
  const name = fc.stringMatching(/^[a-z]([-a-z0-9]{0,20}[a-z0-9])?$/);
  fc.assert(
    fc.property(name, name, fc.boolean(), (group, other, same) => {
      expect(taken(named(group), same ? group : other)).toEqual([]);
    }),
    { numRuns: 25 },
  );
});

test("the check can fail: with the labels that Holdfast had, the release's Service and budget took all of them", () => {
  const { objects } = releaseOf("edge");
  const former = {
    ...podsOf(named("edge"))["backup"],
    "app.kubernetes.io/name": "gateway",
    "app.kubernetes.io/instance": "edge",
  };
  const takers = selectorsOf(objects).filter(([, selector]) => selects(selector, former));
  expect(takers.map(([id]) => id)).toEqual([
    "Deployment/edge-gateway",
    "Service/edge-gateway",
    "PodDisruptionBudget/edge-gateway",
  ]);
});

test("names meet only where the release is called as the group's Deployment is: that is NameTaken", () => {
  const names = (group: string) =>
    allOf(desired(named(group), NORMAL)).map(({ kind, metadata }) => `${kind}/${metadata.name}`);
  const clash = (group: string, other: string) =>
    releaseOf(other)
      .objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`)
      .filter((id) => names(group).includes(id));
  expect(fullNameOf("edge")).toBe("edge-gateway");
  expect(clash("edge", "edge")).toEqual([]);
  expect(clash("edge-gateway", "edge")).toEqual([
    "Deployment/edge-gateway",
    "Service/edge-gateway",
    "PodDisruptionBudget/edge-gateway",
  ]);
});

test.for(TEMPLATES)("what is looked for among selectors are the labels that pods really get: %s", ([, changes]) => {
  const facts = world(changes);
  const pods = podsOf(facts);
  for (const role of ROLES) {
    const { "pod-template-hash": _, ...labels } = pods[role] ?? {};
    expect(podLabels(facts, role), role).toEqual(labels);
  }
});
