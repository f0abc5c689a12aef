// Labels that no other release and no other tool takes for its own, and how a group that exists comes by them.
import { expect, test } from "vitest";
import { NEVER_PRUNED } from "../../../operator/api/names.ts";
import { rehearsalPod, witnessPod } from "../../../operator/domain/desired/throwaway-pods.ts";
import { done, healthy, held, type Loose, lose, planOf, told } from "../deciding.ts";
import { madeByFormerVersion } from "./former-labels.ts";
import { allOf, wanted, world } from "./world.ts";

const labelled = (): Loose[] => {
  const found = wanted();
  const pods = [found.traffic, found.backup].map((workload: Loose) => workload.spec.template);
  const throwAway = [
    rehearsalPod(world(), found, { suffix: "1", expectedCounts: {} }),
    witnessPod(world(), found, { suffix: "1" }),
  ];
  return [...allOf(found), ...pods, ...throwAway];
};

test("every object and pod has a name and an instance of its own", () => {
  for (const { metadata } of labelled()) {
    expect(metadata.labels).toMatchObject({
      "app.kubernetes.io/name": "holdfast-gateway",
      "app.kubernetes.io/instance": "GatewayGroup.edge",
    });
  }
});

test("no release, Application or namespace can have that instance's name: none has a capital letter", () => {
  for (const { metadata } of labelled())
    expect(metadata.labels["app.kubernetes.io/instance"]).toMatch(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/);
  expect("GatewayGroup.edge").not.toMatch(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);
  // A group's name has 40 characters at the most.
  expect(`GatewayGroup.${"e".repeat(40)}`.length).toBeLessThanOrEqual(63);
});

test("selectors go by Holdfast's own labels alone, and those of Deployments are as they ever were", () => {
  const keys = (selector: object) => Object.keys(selector).toSorted();
  const ours = ["holdfast.dev/group", "holdfast.dev/role"];
  const found = wanted();
  for (const object of allOf(found) as Loose[]) {
    const { selector } = object.spec ?? {};
    if (selector) expect(keys(selector.matchLabels ?? selector)).toEqual(ours);
  }
});

test("what has no owner is neither pruned nor deleted by Argo CD; what has one goes with it", () => {
  for (const changes of [{}, { spec: { deletionPolicy: "Delete" } }]) {
    for (const { kind, metadata } of allOf(wanted(changes))) {
      const marks = Object.fromEntries(
        Object.keys(NEVER_PRUNED).flatMap((key) =>
          metadata.annotations?.[key] === undefined ? [] : [[key, metadata.annotations[key]]],
        ),
      );
      expect(marks, `${kind}/${metadata.name}`).toEqual(metadata.ownerReferences ? {} : NEVER_PRUNED);
    }
  }
});

test("an annotation of the user's on the Service wins over Holdfast's mark", () => {
  const annotations = { "argocd.argoproj.io/sync-options": "Prune=confirm" };
  const found = allOf(wanted({ spec: { traffic: { service: { annotations } } } }));
  expect(found.find(({ kind }) => kind === "Service")?.metadata.annotations).toMatchObject(annotations);
});

test.for([
  ["app.kubernetes.io/name", "gateway"],
  ["app.kubernetes.io/instance", "edge"],
] as const)("a podTemplate that gives pods the label %s of a release is refused", ([key, value]) => {
  for (const role of ["traffic", "backup"]) {
    const { problems } = wanted({ spec: { [role]: { podTemplate: { metadata: { labels: { [key]: value } } } } } });
    expect(problems.map(({ reason }) => reason)).toEqual(["PodTemplateRefused"]);
    expect(problems[0]?.message).toContain("a release in the namespace could select these pods");
  }
});

/** A group that a former version made, and what this one does to it. */
const upgraded = (change: (facts: Loose) => void = () => {}) => {
  const { facts } = healthy();
  madeByFormerVersion(facts);
  change(facts);
  const word = facts.controlPlane.operator.view === "readsOk" ? "Reachable" : "Unreachable";
  return { facts, plan: planOf(facts, held(facts, word, 1_000)) };
};
const restarts = (steps: string[]) => steps.filter((step) => /Deployment|Pod\//.test(step) && !/relabel/.test(step));

test("an upgrade relabels what has no pods, and restarts none: the pods' labels come with the next roll", () => {
  const { plan } = upgraded();
  expect(plan.broken).toEqual([]);
  const steps = done(plan);
  expect(restarts(steps)).toEqual([]);
  expect(steps.filter((step) => /relabel/.test(step)).toSorted()).toEqual(["relabel edge", "relabel edge-backup"]);
  expect(steps.filter((step) => step.startsWith("apply")).map((step) => step.replace(/[0-9a-f]{12}$/, "#"))).toEqual([
    "apply ServiceAccount/edge-traffic",
    "apply ServiceAccount/edge-backup",
    "apply NetworkPolicy/edge-backup",
    "apply ConfigMap/edge-normal-#",
    "apply ConfigMap/edge-reader-#",
    "apply ConfigMap/edge-exporter-#",
    "apply ConfigMap/edge-start",
    "apply PodDisruptionBudget/edge",
    "apply Service/edge",
  ]);
  expect(told(plan, "RestartPending")).toBe("RendersDifferently");
});

test("a Deployment that waits for its roll is relabelled with Argo CD's mark where it has no owner", () => {
  const { plan } = upgraded();
  const relabel = (name: string): Loose => plan.steps.find((step) => step.do === "relabel" && step.name === name);
  expect(relabel("edge")).toMatchObject({
    kind: "Deployment",
    uid: "uid-Deployment-edge",
    resourceVersion: "7",
    labels: { "app.kubernetes.io/instance": "GatewayGroup.edge", "holdfast.dev/role": "traffic" },
    annotations: NEVER_PRUNED,
  });
  expect(relabel("edge-backup").annotations).toEqual({});
});

test("a webhook that sets the former label itself: tried again now and then alone, and named", () => {
  const sets = (again: boolean) =>
    upgraded((facts) => {
      const paths = ['metadata.labels["app.kubernetes.io/instance"]'];
      const of = { kind: "Deployment", name: "edge", uid: "uid-Deployment-edge", appliedHash: undefined };
      facts.children.overridden = [{ ...of, paths, again }];
    }).plan;
  const relabels = (plan: Loose) =>
    done(plan)
      .filter((step) => step.startsWith("relabel"))
      .toSorted();
  expect(relabels(sets(false))).toEqual(["relabel edge-backup"]);
  expect(relabels(sets(true))).toEqual(["relabel edge", "relabel edge-backup"]);
  const overridden = sets(false).status.conditions?.find(({ type }) => type === "Overridden");
  expect(overridden).toMatchObject({ status: "True", reason: "FieldOverridden" });
  expect(overridden?.message).toContain('Deployment "edge": metadata.labels["app.kubernetes.io/instance"]');
});

test("a configuration that only running pods still mount is relabelled, too", () => {
  const { plan } = upgraded((facts) => {
    const old = structuredClone(facts.children.byName.get("Deployment/edge"));
    Object.assign(old, { apiVersion: "v1", kind: "ConfigMap", spec: undefined });
    Object.assign(old.metadata, { name: "edge-normal-00", uid: "old" });
    facts.children.byName.set("ConfigMap/edge-normal-00", old);
    facts.children.configsInUse = new Set([...facts.children.configsInUse, "edge-normal-00"]);
  });
  expect(done(plan)).toContain("relabel edge-normal-00");
});

test.for<[string, (facts: Loose) => void, string[]]>([
  ["nothing else changed", () => {}, []],
  [
    "the spec changes",
    (f) => Object.assign(f.group.spec.gateway, { resources: { limits: { cpu: "7" } } }),
    ["apply Deployment/edge-backup", "apply Deployment/edge"],
  ],
  [
    "restart-at asks for it",
    (f) => Object.assign(f.group, { annotations: { "holdfast.dev/restart-at": "2026-01-01T00:00:00Z" } }),
    ["apply Deployment/edge-backup", "apply Deployment/edge"],
  ],
  [
    "the exporter's keys are renewed",
    (f) => Object.assign(f.secrets.writer, { resourceVersion: "999" }),
    ["apply Deployment/edge-backup"],
  ],
  [
    "the exporter does not run anyway",
    (f) => Object.assign(f.children, { backup: { ...f.children.traffic, trouble: "edge-backup-1: gateway: Error" } }),
    ["apply Deployment/edge-backup"],
  ],
  [
    "somebody edited the exporter's template by hand, which waits for the same roll",
    (f) =>
      Object.assign(f.children.byName.get("Deployment/edge-backup").spec.template.spec, { enableServiceLinks: true }),
    [],
  ],
  ["the control plane is lost", lose, []],
  ["modePolicy Observe", (f) => Object.assign(f.group.spec, { modePolicy: "Observe" }), []],
])("pods take the new labels only with a roll: %s", ([, change, expected]) => {
  const { plan } = upgraded(change);
  expect(plan.broken).toEqual([]);
  expect(restarts(done(plan))).toEqual(expected);
});

test("modePolicy Observe changes nothing that is there, labels neither", () => {
  const { plan } = upgraded((facts) => Object.assign(facts.group.spec, { modePolicy: "Observe" }));
  expect(done(plan)).toEqual([]);
});

test.for<[string, (object: Loose) => void]>([
  [
    "it has the new labels",
    ({ metadata }) =>
      Object.assign(metadata.labels, {
        "app.kubernetes.io/name": "holdfast-gateway",
        "app.kubernetes.io/instance": "GatewayGroup.edge",
      }),
  ],
  [
    "a webhook writes others",
    ({ metadata }) =>
      Object.assign(metadata.labels, { "app.kubernetes.io/name": "x", "app.kubernetes.io/instance": "y" }),
  ],
])("a Deployment that waits is not relabelled again: %s", ([, change]) => {
  const { plan } = upgraded((facts) => {
    change(facts.children.byName.get("Deployment/edge"));
    change(facts.children.byName.get("Deployment/edge-backup"));
  });
  expect(done(plan).filter((step) => step.startsWith("relabel"))).toEqual([]);
  expect(told(plan, "RestartPending")).toBe("RendersDifferently");
});
