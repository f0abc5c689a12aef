import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from "vitest";
import type { Json } from "../stage/cluster.ts";
import { FULL, lives, lost } from "../stage/says.ts";
import { Stage } from "../stage/stage.ts";
import { saveReport, sourceOf, underLoad } from "../stage/watch.ts";

/** A GatewayGroup, or its CRD, is deleted under live traffic: what serves stays, and a new group takes it over. */
let stage: Stage;

beforeAll(async () => {
  stage = await Stage.surroundings("life");
  await stage.installOperator();
  await stage.applyGroup();
  await stage.untilProven().catch(async (error) => {
    await saveReport(stage, "life-setup");
    throw error;
  });
});
afterAll(() => stage?.end());

const failing = () => onTestFailed(() => saveReport(stage, "life"));
const lived = async () => lives(await stage.pods());

const KEPT: [string, string][] = [
  ["deployments", "edge"],
  ["services", "edge"],
  ["poddisruptionbudgets", "edge"],
  ["configmaps", "edge-start"],
];
const uids = async (): Promise<(string | undefined)[]> =>
  Promise.all(
    KEPT.map(async ([plural, name]) => (await stage.cluster.get(stage.namespace, plural, name))?.metadata.uid),
  );

/** Gone is the group and what belongs to it alone; a while later all that serves is what it was. */
async function deleteGroup(propagationPolicy: string): Promise<void> {
  const [pods, objects] = [await lived(), await uids()];
  await stage.cluster.delete(stage.namespace, "gatewaygroups", "edge", { propagationPolicy });
  await stage.cluster.wait(
    "the group and its exporter are gone",
    async () => {
      const backup = await stage.cluster.get(stage.namespace, "deployments", "edge-backup");
      return (await stage.group()) === undefined && backup === undefined;
    },
    60,
  );
  await sleep(5_000);
  expect(await lived()).toEqual(pods);
  expect(await uids()).toEqual(objects);
}

async function toFallback(): Promise<void> {
  await stage.controlPlane.kill();
  await stage.untilMode("Fallback", 60);
  const [victim] = (await stage.pods()).filter((pod) => !pod.metadata.deletionTimestamp);
  await stage.cluster.delete(stage.namespace, "pods", victim.metadata.name);
  await stage.until("one pod from the snapshot, one from memory", 60, async ({ traffic }) => {
    return traffic?.fromSnapshot === 1 && traffic.fromMemory === 1 && (await stage.pods()).length === 2;
  });
}

async function back(): Promise<void> {
  await stage.controlPlane.start();
  await stage.until("all from the control plane", 180, async ({ mode, traffic }) => {
    return mode === "Normal" && traffic?.fromControlPlane === 2 && (await stage.pods()).length === 2;
  });
  await stage.untilProven();
}

const propagations = FULL ? ["Background", "Foreground"] : ["Foreground"];

describe.each(propagations)("deletion in the %s", (propagation) => {
  test.runIf(FULL)("in normal mode: no pod restarts, no request fails, a new group takes all of it over", async () => {
    failing();
    const before = await lived();
    const load = await underLoad(stage, 30, async () => {
      await deleteGroup(propagation);
      await stage.applyGroup();
      await stage.untilProven();
    });
    expect(lost(load)).toEqual([]);
    expect(await lived()).toEqual(before);
  });

  test("in fallback: the same, and the new group takes its mode from its pods", async () => {
    failing();
    const load = await underLoad(stage, 30, async () => {
      await toFallback();
      const before = await lived();
      await deleteGroup(propagation);
      const [victim] = (await stage.pods()).filter((pod) => sourceOf(pod) === "fallback");
      expect(victim).toBeDefined();
      await stage.applyGroup();
      await stage.until("adopted in fallback, and proven again", 90, (status) => {
        return status.mode === "Fallback" && status.fallbackReady === "Proven";
      });
      const history: Json[] = (await stage.status()).history;
      expect(history.at(-1)).toMatchObject({ to: "Fallback", reason: "ModeAdopted" });
      expect(await lived()).toEqual(before);
      await back();
    });
    expect(lost(load)).toEqual([]);
  });
});

test.runIf(FULL)("while the group is gone in an outage, a pod that is deleted comes up from the snapshot", async () => {
  failing();
  const load = await underLoad(stage, 30, async () => {
    await toFallback();
    await deleteGroup("Background");
    const [victim] = (await stage.pods()).filter((pod) => sourceOf(pod) === "normal");
    await stage.cluster.delete(stage.namespace, "pods", victim.metadata.name);
    await stage.cluster.wait(
      "both from the snapshot",
      async () => {
        const pods = await stage.pods();
        return pods.length === 2 && pods.every((pod) => sourceOf(pod) === "fallback" && isReady(pod));
      },
      60,
    );
    await stage.applyGroup();
    await back();
  });
  expect(lost(load)).toEqual([]);
});
const isReady = (pod: Json): boolean =>
  pod.status.conditions?.some((c: Json) => c.type === "Ready" && c.status === "True") ?? false;

test.runIf(FULL)(
  "both CRDs deleted and applied again: no pod restarts, no request fails, Holdfast goes on",
  async () => {
    failing();
    const before = await lived();
    const load = await underLoad(stage, 30, async () => {
      const crds = ["crd/gatewaygroups.holdfast.dev", "crd/fallbackstorages.holdfast.dev"];
      await stage.cluster.kubectl("delete", ...crds, "--wait=true", "--timeout=60s");
      await sleep(20_000);
      expect(await lived()).toEqual(before);
      await stage.applyCrds();
      await stage.applyGroup();
      await stage.untilProven();
    });
    expect(lost(load)).toEqual([]);
    expect(await lived()).toEqual(before);
  },
);

test("deletionPolicy Delete, set on a group that serves, restarts nothing; then its deletion takes all away", async () => {
  failing();
  const before = await lived();
  await stage.cluster.patch(stage.namespace, "gatewaygroups", "edge", { spec: { deletionPolicy: "Delete" } });
  await stage.cluster.wait(
    "the Service is owned",
    async () => {
      const service = await stage.cluster.get(stage.namespace, "services", "edge");
      return service.metadata.ownerReferences?.[0]?.kind === "GatewayGroup";
    },
    30,
  );
  expect(await lived()).toEqual(before);
  await stage.cluster.delete(stage.namespace, "gatewaygroups", "edge", { propagationPolicy: "Foreground" });
  const kinds = "deploy,rs,pods,svc,pdb,cm,sa,networkpolicy,gatewaygroups";
  const left = () =>
    stage.cluster.kubectl("-n", stage.namespace, "get", kinds, "-l", "holdfast.dev/group=edge", "-o", "name");
  await stage.cluster.wait("nothing is left", async () => (await left()) === "", 90);
});
