/** A pod that ended, or is left on a lost node, is an object and no pod: wherever pods are counted, it is not. */
import { expect, test } from "vitest";
import { decide } from "../../../operator/domain/decide.ts";
import { currentFacts } from "../../../operator/domain/facts/current.ts";
import { readPod } from "../../../operator/observe/gateways/pods.ts";
import { choice, type Loose as Json, pod as podObject } from "../../observe/objects.ts";
import { fromSnapshot, healthy, held, inMode, type Loose, lose } from "../deciding.ts";
import { reachable, surge } from "../motion/motion-facts.ts";

const reading = {
  answers: { of: () => ({ vote: "unknown", emptyWorker: false, check: "unknown" }) as const },
  workersEnv: "X",
  workers: 2,
};

/** What a kubelet, a node controller or a garbage collector leaves of a pod that chose so, by what stands in its object. */
const LEFT: readonly [string, (pod: Json, facts: Loose) => void][] = [
  ["evicted", (p) => (p.status = { ...p.status, phase: "Failed", reason: "Evicted" })],
  ["its node was shut down", (p) => (p.status = { ...p.status, phase: "Failed", reason: "Terminated" })],
  ["it ended", (p) => (p.status.phase = "Succeeded")],
  ["nobody hears from its node", (p) => (p.status.phase = "Unknown")],
  ["its node is lost", (p) => (p.status.reason = "NodeLost")],
  [
    "deleted, and nobody is there to end it",
    (p, f) => (p.metadata.deletionTimestamp = new Date(f.nowMs - 61_000).toISOString()),
  ],
];

function leftOver(facts: Loose, chose: "normal" | "fallback", change: (pod: Json, facts: Loose) => void): Loose {
  const left = podObject("edge-old", (p) => {
    p.metadata.creationTimestamp = new Date(facts.nowMs - 30_000).toISOString();
    p.metadata.labels["pod-template-hash"] = facts.pods[0].templateHash;
    p.metadata.annotations["holdfast.dev/proof-key"] = facts.pods[0].proofKey;
    p.status.conditions = [{ type: "Ready", status: "False" }];
    p.status.initContainerStatuses = [choice({ choice: chose, reason: "NoProof", template: "", absent: [], ms: 1 })];
    p.status.containerStatuses[0].ready = false;
    change(p, facts);
  });
  return readPod(left, reading);
}

/** Where a group may be; each is seen once with the left-over pod and once without it. */
const WHERE: readonly [string, ((facts: Loose) => void)[], "Reachable" | "Unreachable"][] = [
  ["at rest", [], "Reachable"],
  ["lost", [lose], "Unreachable"],
  ["lost without a proof", [lose, unproven], "Unreachable"],
  ["on the way to fallback", [(f) => inMode(f, "ToFallback"), lose], "Unreachable"],
  ["in fallback", [(f) => inMode(f, "Fallback"), fromSnapshot, lose], "Unreachable"],
  ["in fallback, the control plane is back", [(f) => inMode(f, "Fallback"), fromSnapshot], "Reachable"],
  ["on the way back", [(f) => inMode(f, "ToNormal"), fromSnapshot, reachable], "Reachable"],
  ["on the way back, a surge runs", [(f) => inMode(f, "ToNormal"), fromSnapshot, surge], "Reachable"],
  ["all are back", [(f) => inMode(f, "ToNormal")], "Reachable"],
  ["fewer are wanted", [fewer], "Reachable"],
];

test.for(LEFT)("%s: nowhere counted", ([, end]) => {
  for (const [where, bend, word] of WHERE)
    for (const chose of ["normal", "fallback"] as const) {
      const { facts } = healthy();
      for (const change of bend) change(facts);
      const memory = held(facts, word, 600_000);
      const without = decide(facts, memory);
      facts.pods = [...facts.pods, leftOver(facts, chose, end)];
      expect(decide(facts, memory), `${where}, ${chose}`).toEqual(without);
    }
});

test.for<[string, (pod: Json, facts: Loose) => void]>([
  ["one that drains", (p, f) => (p.metadata.deletionTimestamp = new Date(f.nowMs + 20_000).toISOString())],
  ["one that takes long to end", (p, f) => (p.metadata.deletionTimestamp = new Date(f.nowMs - 60_000).toISOString())],
  ["one that starts", () => {}],
])("%s is counted", ([, change]) => {
  const { facts } = healthy();
  const without = decide(facts, {}).plan.status;
  facts.pods = [...facts.pods, leftOver(facts, "normal", change)];
  expect(decide(facts, {}).plan.status.conditions).not.toEqual(without.conditions);
});

test.for([[-300_000], [0], [300_000]])(
  "the API server's clock is the one: Holdfast's own is %s ms ahead",
  ([aheadMs]) => {
    const { facts } = healthy();
    const serverNowMs = facts.nowMs;
    expect(currentFacts({ ...facts, nowMs: serverNowMs + aheadMs!, serverNowMs }).nowMs).toBe(serverNowMs);
  },
);

test("before the API server has answered once there is only Holdfast's own clock", () => {
  const { facts } = healthy();
  delete facts.serverNowMs;
  expect(currentFacts(facts).nowMs).toBe(facts.nowMs);
});

function unproven(facts: Loose): void {
  facts.group.status.snapshot.proofs = [];
}
function fewer(facts: Loose): void {
  facts.group.spec.traffic.replicas = 1;
}
