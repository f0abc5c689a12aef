import { expect, test } from "vitest";
import { done, healthy, held, inMode, type Loose, lose, planOf, told } from "../deciding.ts";

const OUTAGE_MS = 30_000;

/** A roll is under way: the newest template has a pod and no proof, the one before it is proven. */
function rolling({ newServes }: { newServes: boolean }): Loose {
  const { facts } = healthy();
  const [before] = facts.children.traffic.replicaSets;
  const fresh = { ...before, name: "edge-2", templateHash: "h2", revision: 2, replicas: 1, proofKey: "new" };
  facts.children.traffic.replicaSets.push(fresh);
  const pod = { ...structuredClone(facts.pods[0]), name: "edge-2-1", uid: "new", templateHash: "h2", proofKey: "new" };
  facts.pods.push(Object.assign(pod, { ready: newServes, restarts: newServes ? 0 : 3 }));
  return facts;
}

test("in good times a roll is told: without the control plane the new template would not start", () => {
  const facts = rolling({ newServes: false });
  const plan = planOf(facts, held(facts, "Reachable", OUTAGE_MS));
  expect(told(plan, "FallbackReady")).toBe("Unproven");
});

test("the control plane is lost in the middle of it: the group goes to fallback on the template that is proven", () => {
  const facts = rolling({ newServes: false });
  lose(facts);
  const plan = planOf(facts, held(facts, "Unreachable", OUTAGE_MS));
  expect([plan.status.mode, told(plan, "Held"), told(plan, "FallbackReady")]).toEqual([
    "ToFallback",
    undefined,
    "Proven",
  ]);
  expect(plan.broken).toEqual([]);
});

test("no template with pods is proven: the group holds", () => {
  const facts = rolling({ newServes: false });
  facts.group.status.snapshot.proofs = [];
  lose(facts);
  const plan = planOf(facts, held(facts, "Unreachable", OUTAGE_MS));
  expect([plan.status.mode, told(plan, "Held")]).toEqual(["Normal", "NoProof"]);
});

/** Both templates serve and the roll was paused in the outage; one of the old pods started from the snapshot meanwhile. */
test.for([
  ["half way back: the roll goes on, or nothing would ever move", "ToNormal", "Reachable", ["pause edge"]],
  ["half way back, and lost again: it waits", "ToNormal", "Unreachable", []],
  ["in fallback: it waits", "Fallback", "Reachable", []],
  ["in normal mode: it goes on", "Normal", "Reachable", ["pause edge"]],
] as const)("paused in a roll, %s", ([, mode, word, steps]) => {
  const facts = rolling({ newServes: true });
  facts.children.traffic.paused = true;
  facts.pods[0].start = { choice: "fallback", reason: "RecordedFallback", finishedMs: 0, absent: [] };
  inMode(facts, mode, 60_000);
  if (word === "Unreachable") lose(facts);
  const plan = planOf(facts, held(facts, word, 1_000));
  expect(done(plan).filter((step) => /^(pause|scale)/.test(step))).toEqual(steps);
});

test.for([
  [
    "no pod of the new template serves: the one before is put back",
    false,
    "restoreTemplate edge",
    ["TemplateRestored"],
  ],
  ["pods of both serve: the roll is paused", true, "pause edge", []],
] as const)("%s", ([, newServes, step, events]) => {
  const facts = rolling({ newServes });
  lose(facts);
  inMode(facts, "ToFallback");
  const plan = planOf(facts, held(facts, "Unreachable", OUTAGE_MS));
  expect(done(plan)).toContain(step);
  expect(done(plan).filter((text) => /^(scale|deletePod)/.test(text))).toEqual([]);
  expect([told(plan, "RestartPending"), plan.broken]).toEqual(["OutageDuringRoll", []]);
  const toldOfSteps = plan.steps.flatMap((one) => (one.do === "apply" ? [] : (one.events ?? [])));
  expect(toldOfSteps.map(({ type, reason }) => `${type} ${reason}`)).toEqual(events.map((one) => `Warning ${one}`));
});

test("a pod of a roll that does not come up is told with what the kubelet says; the group is ready all the same", () => {
  const facts = rolling({ newServes: false });
  const image = "choose: ImagePullBackOff (localhost/holdfast:missing)";
  facts.pods.at(-1).trouble = image;
  const { conditions = [] } = planOf(facts, held(facts, "Reachable", OUTAGE_MS)).status;
  const message = (type: string) => conditions.find((one) => one.type === type);
  expect(message("Ready")).toMatchObject({ status: "True" });
  expect(message("Reconciling")).toMatchObject({
    status: "True",
    message: expect.stringContaining(`edge-2-1: ${image}`),
  });
});

/** The same spec, and this version of Holdfast renders another template of it: that waits, lest an upgrade restarts all. */
const ERROR = "choose: ErrImagePull (x)";
test.for<[string, (facts: Loose) => void, string | undefined, boolean]>([
  ["no roll is under way", (f) => f.children.traffic.replicaSets.pop(), ERROR, false],
  ["a roll is under way and starts slowly", () => {}, undefined, false],
  ["its pods serve", (f) => Object.assign(f.pods.at(-1), { ready: true }), ERROR, false],
  ["its pods do not come up: nothing that serves is restarted by what comes instead", () => {}, ERROR, true],
  ["the same without the control plane", lose, ERROR, false],
])("a better template for a roll that is stuck: %s", ([, change, trouble, applied]) => {
  const facts = rolling({ newServes: false });
  facts.operator.chooseImage = "localhost/holdfast:next";
  facts.group.spec.backup.enabled = false; // an exporter would wait for it, too
  Object.assign(facts.pods.at(-1), trouble === undefined ? {} : { trouble });
  change(facts);
  const word = facts.controlPlane.operator.view === "readsOk" ? "Reachable" : "Unreachable";
  const plan = planOf(facts, held(facts, word, 1_000));
  const waits = applied ? undefined : "RendersDifferently";
  expect([done(plan).includes("apply Deployment/edge"), told(plan, "RestartPending")]).toEqual([applied, waits]);
});

/** An outage in a roll, for whatever reason fallback is usable or not: what is planned is what may be done. */
const YES_NO = [true, false] as const;
const COMBINATIONS = YES_NO.flatMap((rotated) =>
  YES_NO.flatMap((oldProven) =>
    YES_NO.flatMap((newProven) => YES_NO.map((paused) => [rotated, oldProven, newProven, paused] as const)),
  ),
);
test.for(COMBINATIONS)(
  "no pod of the new template serves (reader's Secret rotated: %s; proof of the old: %s, of the new: %s; paused: %s)",
  ([rotated, oldProven, newProven, paused]) => {
    const facts = rolling({ newServes: false });
    const [proof] = facts.group.status.snapshot.proofs;
    facts.group.status.snapshot.proofs = [
      ...(oldProven ? [proof] : []),
      ...(newProven ? [{ ...proof, key: "new" }] : []),
    ];
    if (rotated) facts.secrets.reader.resourceVersion = "2";
    facts.children.traffic.paused = paused;
    lose(facts);
    inMode(facts, "ToFallback", 60_000);
    facts.group.status.controlPlane.lostAt = new Date(facts.nowMs - 600_000).toISOString();
    const plan = planOf(facts, held(facts, "Unreachable", 600_000));
    expect(plan.broken).toEqual([]);
    // The new template's pods come up by themselves where its proof is published; a paused roll waits.
    const putBack = !newProven && !paused;
    expect(done(plan).includes("restoreTemplate edge")).toBe(putBack);
    const usable = !rotated && (oldProven || newProven);
    expect([told(plan, "Held"), done(plan).some((step) => step.includes("rehearsal"))]).toEqual([
      usable ? undefined : "NoProof",
      rotated || !newProven,
    ]);
  },
);

test("neither template serves: one that is proven is put back, one that is not is no better", () => {
  const putBack = (proven: boolean) => {
    const facts = rolling({ newServes: false });
    for (const pod of facts.pods)
      Object.assign(pod, { ready: false, restarts: 3, trouble: "gateway: CrashLoopBackOff" });
    if (!proven) facts.group.status.snapshot.proofs = [];
    lose(facts);
    inMode(facts, "Fallback", 60_000);
    const plan = planOf(facts, held(facts, "Unreachable", 600_000));
    expect(plan.broken).toEqual([]);
    return done(plan).includes("restoreTemplate edge");
  };
  expect([putBack(true), putBack(false)]).toEqual([true, false]);
});

const ROLLED = "roll goes on";
const newest = (f: Loose): Loose => f.pods.at(-1);
const record = (f: Loose, state: string) => Object.assign(f.group.status.controlPlane, { content: { state } });
const proveNew = (f: Loose) => {
  const [proof] = f.group.status.snapshot.proofs;
  f.group.status.snapshot.proofs.push({ ...proof, key: "new" });
};
const ofSnapshot = (pod: Loose) => Object.assign(pod, { start: { ...pod.start, choice: "fallback" } });
const foreign = (f: Loose) => {
  record(f, "Foreign");
  f.snapshot.raw = { seen: "absent" };
};
const approve = (f: Loose) =>
  (f.group.annotations["holdfast.dev/approve-return"] = `${f.group.status.epoch ?? 0}-uid-grou`);

/** Each pod that is Ready costs the roll one that serves: in normal mode, too, it waits where those have nothing to serve. */
test.for<[string, (facts: Loose) => unknown, string]>([
  ["it holds what it should", () => {}, ROLLED],
  ["it is empty", empty, "pause true"],
  ["it was emptied, and is not counted now", (f) => [record(f, "Regressed"), uncounted(f)], "pause true"],
  ["it is another group's", foreign, "pause true"],
  ["it was lost, and is not counted since", (f) => [record(f, "Uncounted"), uncounted(f)], "pause true"],
  ["it was never lost, and is not counted", uncounted, ROLLED],
  [
    "it is empty, and the new template is proven, but one of its pods follows",
    (f) => [empty(f), proveNew(f)],
    "pause true",
  ],
  [
    "it is empty, and all pods of the new template come from the snapshot",
    (f) => [empty(f), proveNew(f), ofSnapshot(newest(f))],
    ROLLED,
  ],
  [
    "it is empty, the roll waits, and all pods of the new template come from the snapshot",
    (f) => [empty(f), paused(f), proveNew(f), ofSnapshot(newest(f))],
    "pause false",
  ],
  [
    "it is empty, and a Deployment is paused that rolls nothing",
    (f) => [empty(f), paused(f), f.children.traffic.replicaSets.pop(), f.pods.pop()],
    ROLLED,
  ],
  ["it is empty, and the roll waits", (f) => [empty(f), paused(f)], "waits"],
  [
    "it is empty, the roll waits, and a person says that it is meant",
    (f) => [record(f, "Regressed"), empty(f), approve(f), paused(f)],
    "pause false",
  ],
  ["it holds what it should again", (f) => [record(f, "Regressed"), paused(f)], "pause false"],
  [
    "it is empty, and nobody may change anything",
    (f) => [empty(f), Object.assign(f.group.spec, { modePolicy: "Observe" })],
    ROLLED,
  ],
])("in the middle of a roll in normal mode, of the control plane is known: %s", ([, change, wanted]) => {
  for (const newServes of [true, false]) {
    const facts = rolling({ newServes });
    change(facts);
    const plan = planOf(facts, held(facts, "Reachable", 1_000));
    const steps = plan.steps.flatMap((one) => (one.do === "pause" ? [`pause ${one.paused}`] : []));
    const waits = told(plan, "RestartPending") === "OutageDuringRoll" ? "waits" : ROLLED;
    expect([plan.broken, steps[0] ?? waits]).toEqual([[], wanted]);
    if (facts.children.traffic.replicaSets.length > 1)
      expect(plan.wants.controlPlaneCounts, "or the roll would go on unseen").toBe(true);
  }
});
function empty(f: Loose): void {
  f.controlPlane.counts = { routes: 0, upstreams: 0, services: 0 };
}
function uncounted(f: Loose): void {
  delete f.controlPlane.counts;
}
function paused(f: Loose): void {
  f.children.traffic.paused = true;
}

/** The roll was paused before; then the control plane was lost, and fallback is recorded. */
test.for<[string, (facts: Loose) => unknown, string | undefined]>([
  ["the new template is proven: its pods come from the snapshot", proveNew, "pause false"],
  ["it is not, and serves", () => {}, undefined],
  ["it is not, and runs: it may serve again", (f) => Object.assign(newest(f), { ready: false }), undefined],
  [
    "it is not, and its pods do not come up",
    (f) => Object.assign(newest(f), { ready: false, trouble: "gateway: CrashLoopBackOff" }),
    "restoreTemplate",
  ],
  ["its pods followed one that was emptied", (f) => [proveNew(f), record(f, "Regressed")], "restoreTemplate"],
  [
    "its pods followed, and the template before was put back already",
    (f) => [
      proveNew(f),
      record(f, "Regressed"),
      Object.assign(f.children.traffic, { annotations: { "holdfast.dev/inputs-hash": "restored" } }),
    ],
    "pause false",
  ],
  [
    "all followed one that was emptied, and no template before is proven: nothing is taken from anybody",
    (f) => [proveNew(f), f.group.status.snapshot.proofs.shift(), record(f, "Regressed")],
    "pause false",
  ],
  [
    "its pods followed, no template before is proven, and a pod of it has content",
    (f) => [proveNew(f), f.group.status.snapshot.proofs.shift(), record(f, "Regressed"), ofSnapshot(f.pods[0])],
    undefined,
  ],
  [
    "one that was emptied, and its pods come from the snapshot",
    (f) => [proveNew(f), record(f, "Regressed"), ofSnapshot(newest(f))],
    "pause false",
  ],
  [
    "nothing serves, and nothing would start",
    (f) => [
      Object.assign(f.group.status.snapshot, { proofs: [] }),
      f.pods.map((pod: Loose) => Object.assign(pod, { ready: false, trouble: "gateway: CrashLoopBackOff" })),
    ],
    "pause false",
  ],
])("a paused roll in fallback: %s", ([, change, wanted]) => {
  const facts = rolling({ newServes: true });
  paused(facts);
  change(facts);
  lose(facts);
  inMode(facts, "Fallback", 60_000);
  facts.group.status.controlPlane.lostAt = new Date(facts.nowMs - 600_000).toISOString();
  const plan = planOf(facts, held(facts, "Unreachable", 600_000));
  expect(plan.broken).toEqual([]);
  const steps = plan.steps.flatMap((one) =>
    one.do === "pause" ? [`pause ${one.paused}`] : one.do === "restoreTemplate" ? [one.do] : [],
  );
  expect(steps).toEqual(wanted === undefined ? [] : [wanted]);
});

test.for([
  ["is paused beside an emptied control plane", false, true, ["pause edge"]],
  ["that waited goes on once the control plane is back", true, false, ["pause edge"]],
] as const)("a spec that is refused meanwhile: a roll %s", ([, paused, isEmpty, steps]) => {
  const facts = rolling({ newServes: true });
  facts.group.spec.traffic.podTemplate = { spec: { restartPolicy: "Never" } };
  facts.children.traffic.paused = paused;
  if (isEmpty) facts.controlPlane.counts = { routes: 0, upstreams: 0, services: 0 };
  const plan = planOf(facts, held(facts, "Reachable", OUTAGE_MS));
  expect([told(plan, "Stalled"), done(plan).filter((step) => step.startsWith("pause"))]).toEqual([
    "PodTemplateRefused",
    steps,
  ]);
});
