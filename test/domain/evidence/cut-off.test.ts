import { expect, test } from "vitest";
import type { PodFact } from "../../../operator/domain/facts/cluster.ts";
import { healthy, held, planOf } from "../deciding.ts";

type Where = Partial<Pick<PodFact, "node" | "zone" | "vote">>;
const [a, b] = ["eu-1a", "eu-1b"];

/** Of three gateways: where each one is, and what is told of the place where those are that lost the control plane. */
test.for<[string, Where[], string]>([
  [
    "all of one zone",
    [lost("n1", a), lost("n2", a), has("n3", b)],
    "2 disconnected (all in zone eu-1a, where none is connected)",
  ],
  [
    "all of one node, in a zone where others have it",
    [lost("n1", a), has("n2", a), has("n3", b)],
    "1 disconnected (all on node n1, where none is connected)",
  ],
  [
    "pods that do not carry their zone",
    [lost("n1"), has("n2"), has("n2")],
    "1 disconnected (all on node n1, where none is connected)",
  ],
  ["another one on that node has it", [lost("n1", a), has("n1", a), has("n2", b)], "1 disconnected,"],
  ["one in each zone", [lost("n1", a), lost("n2", b), has("n3", a)], "2 disconnected,"],
  ["some without a zone", [lost("n1", a), lost("n2"), has("n3", b)], "2 disconnected,"],
  [
    "one that cannot be asked says nothing of its place",
    [lost("n1", a), { node: "n1", zone: a, vote: "unknown" }, has("n2", b)],
    "1 disconnected (all in zone eu-1a, where none is connected)",
  ],
])("%s", ([, places, told]) => {
  const { facts } = healthy({ traffic: { replicas: 3 } });
  for (const [index, place] of places.entries()) Object.assign(facts.pods[index], { zone: undefined, ...place });
  const { conditions } = planOf(facts, held(facts, "Reachable", 60_000)).status;
  const reachable = conditions?.find(({ type }) => type === "ControlPlaneReachable");
  expect(reachable?.reason).toBe("PartlyCutOff");
  expect(reachable?.message).toContain(` connected, ${told}`);
});

test("where all have it no place is told", () => {
  const { facts } = healthy({ traffic: { replicas: 3 } });
  const { conditions } = planOf(facts, held(facts, "Reachable", 60_000)).status;
  const reachable = conditions?.find(({ type }) => type === "ControlPlaneReachable");
  expect(reachable?.message).toBe("Holdfast sees readsOk; gateways: 3 connected, 0 disconnected, 0 silent");
});

function lost(node: string, zone?: string): Where {
  return { node, ...(zone ? { zone } : {}), vote: "disconnected" };
}
function has(node: string, zone?: string): Where {
  return { node, ...(zone ? { zone } : {}), vote: "connected" };
}
