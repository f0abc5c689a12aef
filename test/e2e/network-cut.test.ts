import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";
import { podSubnet } from "../lab/network.ts";
import type { Json } from "../stage/cluster.ts";
import { cutOff } from "../stage/faults.ts";
import { FULL, lives, lost, verdict } from "../stage/says.ts";
import { Stage } from "../stage/stage.ts";
import { saveReport, sourceOf, underLoad } from "../stage/watch.ts";

/** The control plane lives, and somebody does not reach it: who, decides what moves. */
let stage: Stage;
const DWELL_SECONDS = 10;

beforeAll(async () => {
  stage = await Stage.surroundings("network");
  await stage.installOperator();
  await stage.applyGroup({ replicas: 3 });
  await stage.untilProven().catch(async (error) => {
    await saveReport(stage, "network-setup");
    throw error;
  });
});
afterAll(() => stage?.end());

const failing = () => onTestFailed(() => saveReport(stage, "network"));
const addresses = (pods: Json[]): string[] => pods.map((pod) => `${pod.status.podIP}/32`);
const operators = async () => addresses(await stage.operators());
const running = async () => (await stage.pods()).filter((pod: Json) => !pod.metadata.deletionTimestamp);

/** Cuts, tells the story, mends: whatever happens to the story. */
async function whileCut(from: string[], except: string[], story: () => Promise<void>): Promise<void> {
  const mend = cutOff(from, stage.ports.front, except);
  try {
    await story();
  } finally {
    mend();
  }
}

test("Holdfast alone is cut off: it says so, and nothing moves", async () => {
  failing();
  const before = lives(await stage.pods());
  const load = await underLoad(stage, 30, async () => {
    await whileCut(await operators(), [], async () => {
      await stage.until("OperatorCutOff", 60, (status) => verdict(status) === "Unknown OperatorCutOff");
      await sleep(1.5 * DWELL_SECONDS * 1000);
      const status = await stage.status();
      expect([status.mode, verdict(status)]).toEqual(["Normal", "Unknown OperatorCutOff"]);
      expect(lives(await stage.pods())).toEqual(before);
    });
    await stage.until("seen again", 60, (status) => verdict(status) === "Reachable ControlPlaneAnswers");
  });
  expect(lost(load)).toEqual([]);
  expect(lives(await stage.pods())).toEqual(before);
});

test.runIf(FULL)("all gateways are cut off, Holdfast is not: they are believed after twice the dwell", async () => {
  failing();
  const before = lives(await stage.pods());
  const load = await underLoad(stage, 30, async () => {
    await whileCut(["10.244.0.0/16"], await operators(), async () => {
      await stage.until("seen", 120, (status) => verdict(status) === "Unreachable GatewaysCutOff");
      const seenAt = Date.now();
      await stage.untilMode("Fallback", 90);
      expect((Date.now() - seenAt) / 1000).toBeGreaterThan(2 * DWELL_SECONDS - 5);
      expect((await stage.status()).controlPlane.cause).toBe("NetworkCut");
      expect(lives(await stage.pods())).toEqual(before);
      const [victim] = await running();
      await stage.cluster.delete(stage.namespace, "pods", victim.metadata.name);
      await stage.until("its successor from the snapshot", 60, ({ traffic }) => {
        return traffic?.fromSnapshot === 1 && traffic.ready === 3;
      });
    });
    await stage.until("back", 180, ({ mode, traffic }) => mode === "Normal" && traffic?.fromControlPlane === 3);
  });
  expect(lost(load)).toEqual([]);
  await stage.untilProven();
});

test.runIf(FULL)(
  "one of three is cut off alone: its successor starts from the snapshot, nothing else moves",
  async () => {
    failing();
    const onNode = async (node: string) => (await running()).filter((pod) => pod.spec.nodeName === node);
    const [one, two] = [await onNode("lab-1"), await onNode("lab-2")];
    const [node, other] = one.length < two.length ? [1, 2] : [2, 1];
    const [victim] = one.length < two.length ? one : two;
    expect(victim, "a pod on each node").toBeDefined();
    const staying = lives((await running()).filter((pod) => pod.metadata.uid !== victim.metadata.uid));
    await stage.cluster.kubectl("cordon", `lab-${other}`);
    try {
      const load = await underLoad(stage, 30, async () => {
        await whileCut([podSubnet(node)], await operators(), async () => {
          await stage.until("PartlyCutOff", 120, (status) => verdict(status) === "Reachable PartlyCutOff");
          await stage.cluster.delete(stage.namespace, "pods", victim.metadata.name);
          await stage.until("its successor from the snapshot", 60, async ({ traffic }) => {
            return traffic?.fromSnapshot === 1 && traffic.ready === 3 && (await stage.pods()).length === 3;
          });
          await sleep(2 * DWELL_SECONDS * 1000);
          expect((await stage.status()).mode).toBe("Normal");
          expect((await running()).map(sourceOf).sort()).toEqual(["fallback", "normal", "normal"]);
          for (const life of staying) expect(lives(await stage.pods())).toContain(life);
        });
        await stage.cluster.kubectl("uncordon", `lab-${other}`);
        await stage.until("all from the control plane", 180, ({ traffic }) => traffic?.fromControlPlane === 3);
      });
      expect(lost(load)).toEqual([]);
      for (const life of staying) expect(lives(await stage.pods())).toContain(life);
    } finally {
      await stage.cluster.kubectl("uncordon", `lab-${other}`);
    }
    await stage.untilProven();
  },
);
