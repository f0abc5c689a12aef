// For each law about steps a plan that breaks it, made from a good one: a law that lets everything through is none.
import { expect, test } from "vitest";
import { brokenInvariants } from "../../../operator/domain/laws/invariants.ts";
import type { Plan, Step } from "../../../operator/domain/plan.ts";
import { healthy, held, inMode, type Loose, lose, planOf } from "../deciding.ts";

const deployment = (facts: Loose, spec: object = {}): Step => {
  const object = structuredClone(facts.children.byName.get("Deployment/edge"));
  delete object.spec.replicas;
  object.spec.template.metadata.annotations["holdfast.dev/proof-key"] = "new";
  return { do: "apply", object: { ...object, spec: { ...object.spec, ...spec } }, why: "x" };
};
const start = (facts: Loose, text: object): Step => {
  const object = structuredClone(facts.children.byName.get("ConfigMap/edge-start"));
  return { do: "apply", object: { ...object, data: { "start.json": JSON.stringify(text) } }, why: "x" };
};
const scale = (to: number, live?: object): Step =>
  ({ do: "scale", name: "edge", from: 2, to, resourceVersion: "1", why: "x", ...(live ? { live } : {}) }) as Step;
const restore: Step = {
  do: "restoreTemplate",
  name: "edge",
  resourceVersion: "1",
  template: {},
  annotations: {},
  why: "x",
};
const FLOOR = { minServingAfter: 1, staying: ["x"] };
const down = (facts: Loose) => facts.pods.map((pod: Loose) => Object.assign(pod, { ready: false, trouble: "x" }));
const unproven = (facts: Loose) => (facts.group.status.snapshot.proofs = []);
const proof = (facts: Loose) => facts.group.status.snapshot.proofs[0];

const PAUSE = { do: "pause", name: "edge", resourceVersion: "1", why: "x" } as const;
/** Emptied, and recorded so; nobody counts it now. */
const emptied = (facts: Loose) => {
  facts.group.status.controlPlane.content = { state: "Regressed" };
  delete facts.controlPlane.counts;
};
const ofSnapshot = (pod: Loose) => Object.assign(pod, { start: { ...pod.start, choice: "fallback" } });
/** The one that is marked leaves; the first is of the snapshot. */
function mixed(facts: Loose, leaves: number): void {
  emptied(facts);
  facts.pods[0].start = { ...facts.pods[0].start, choice: "fallback" };
  facts.pods[leaves].deletionCost = "-2147483648";
}

const LACKING = "no pod that serves is given to a control plane that is recorded to lack what is expected";
const TEMPLATE = "another template only where the control plane answers, pods of it are proven, or nothing serves";
const BACK = "a template is put back only while no pod of the newest one serves";
const GIVEN_UP = "without the control plane and without a proof no pod that is ready is given up";
const START = "pods that start are told the recorded mode alone, and proofs that are recorded";
const FLOORS = "replicas are lowered only with a floor that is read live, and while one ReplicaSet alone has pods";
const READY = "a pod that is ready is never deleted directly, unless it answers nobody";

const DEAD = { cores: 1, emptyWorker: true, check: "fail", vote: "disconnected" };

test.for<[string, (facts: Loose) => void, (facts: Loose) => Step, string | undefined]>([
  ["another template beside the control plane", () => {}, (f) => deployment(f), undefined],
  ["another template without it", lose, (f) => deployment(f), TEMPLATE],
  ["the same where nothing serves", (f) => [lose(f), down(f)], (f) => deployment(f), undefined],
  ["the same, proven", (f) => [lose(f), Object.assign(proof(f), { key: "new" })], (f) => deployment(f), undefined],
  ["the template of before, while pods serve", lose, () => restore, BACK],
  ["the template of before, while none does", (f) => [lose(f), down(f)], () => restore, undefined],
  ["fewer pods, without a proof or the control plane", (f) => [lose(f), unproven(f)], () => scale(1, FLOOR), GIVEN_UP],
  ["fewer pods, those that are not ready", (f) => [lose(f), unproven(f), down(f)], () => scale(1, FLOOR), undefined],
  ["fewer pods, with a proof", lose, () => scale(1, FLOOR), undefined],
  ["fewer pods without a floor", () => {}, () => scale(1), FLOORS],
  ["another template beside a control plane that was emptied", emptied, (f) => deployment(f), LACKING],
  ["a roll that goes on, beside it", emptied, () => ({ ...PAUSE, paused: false }), LACKING],
  [
    "a roll that goes on, beside it, from the snapshot",
    (f) => [emptied(f), f.pods.map(ofSnapshot)],
    () => ({ ...PAUSE, paused: false }),
    undefined,
  ],
  [
    "a roll that goes on, beside it, and nothing serves",
    (f) => [emptied(f), down(f)],
    () => ({ ...PAUSE, paused: false }),
    undefined,
  ],
  [
    "the template of before, over pods that followed one that was emptied and is gone",
    (f) => [emptied(f), lose(f), inMode(f, "Fallback")],
    () => restore,
    undefined,
  ],
  [
    "the same, and one of them is of the snapshot",
    (f) => [emptied(f), lose(f), inMode(f, "Fallback"), ofSnapshot(f.pods[0])],
    () => restore,
    BACK,
  ],
  ["a roll that waits, beside it", emptied, () => ({ ...PAUSE, paused: true }), undefined],
  ["a pod of the snapshot is given up for one that follows it", (f) => mixed(f, 0), () => scale(1, FLOOR), LACKING],
  ["one that follows it is given up", (f) => mixed(f, 1), () => scale(1, FLOOR), undefined],
  [
    "a pod that is ready",
    () => {},
    (f) => ({ do: "deletePod", name: "a", uid: f.pods[0].uid, resourceVersion: "1", why: "x" }),
    READY,
  ],
  [
    "a pod that is ready, of whose two workers one is empty",
    (f) => Object.assign(f.pods[0], { cores: 2, emptyWorker: true, check: "fail" }),
    (f) => ({ do: "deletePod", name: "a", uid: f.pods[0].uid, resourceVersion: "1", why: "x" }),
    READY,
  ],
  [
    "a pod that is ready, whose only worker is empty",
    (f) => [lose(f), Object.assign(f.pods[0], DEAD)],
    (f) => ({ do: "deletePod", name: "a", uid: f.pods[0].uid, resourceVersion: "1", why: "x" }),
    undefined,
  ],
  [
    "the same beside a control plane that answers",
    (f) => Object.assign(f.pods[0], DEAD),
    (f) => ({ do: "deletePod", name: "a", uid: f.pods[0].uid, resourceVersion: "1", why: "x" }),
    READY,
  ],
  [
    "the recorded mode and proof",
    () => {},
    (f) => start(f, { mode: "Normal", proofs: { [proof(f).key]: { digest: proof(f).digest } } }),
    undefined,
  ],
  ["another mode than the recorded one", () => {}, (f) => start(f, { mode: "Fallback", proofs: {} }), START],
  [
    "a proof that nobody recorded",
    () => {},
    (f) => start(f, { mode: "Normal", proofs: { new: { digest: proof(f).digest } } }),
    START,
  ],
  [
    "a proof for another digest",
    () => {},
    (f) => start(f, { mode: "Normal", proofs: { [proof(f).key]: { digest: "x" } } }),
    START,
  ],
])("%s", ([, change, step, law]) => {
  const { facts } = healthy();
  change(facts);
  const word = facts.controlPlane.operator.view === "readsOk" ? "Reachable" : "Unreachable";
  const plan: Plan = planOf(facts, held(facts, word, 1_000));
  expect(brokenInvariants(facts, { ...plan, steps: [step(facts)] })).toEqual(law === undefined ? [] : [law]);
});
