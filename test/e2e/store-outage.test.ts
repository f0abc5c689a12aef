import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";
import type { Json } from "../stage/cluster.ts";
import { secretManifest } from "../stage/manifests.ts";
import { condition, FULL, held, isTrue, lives, lost } from "../stage/says.ts";
import { exportedAt } from "../stage/snapshots.ts";
import { Stage } from "../stage/stage.ts";
import { isReady } from "../stage/story.ts";
import { saveReport, sourceOf, underLoad } from "../stage/watch.ts";

/** The store, or the keys to it, are not there when they are needed; keys change while all is well. */
let stage: Stage;

beforeAll(async () => {
  stage = await Stage.surroundings("store");
  await stage.installOperator();
  await stage.applyGroup();
  await stage.untilProven().catch(async (error) => {
    await saveReport(stage, "store-setup");
    throw error;
  });
});
afterAll(() => stage?.end());

const failing = () => onTestFailed(() => saveReport(stage, "store"));
const running = async () => (await stage.pods()).filter((pod: Json) => !pod.metadata.deletionTimestamp);
const sources = async () => (await running()).map(sourceOf).sort().join();
const deleteOne = async (source: string): Promise<string> => {
  const victim = (await running()).find((pod) => sourceOf(pod) === source);
  await stage.cluster.delete(stage.namespace, "pods", victim.metadata.name);
  return victim.metadata.name;
};
const readerSecret = () => secretManifest(stage.namespace, "s3-gateway", { ...stage.s3.keys.gateway });
const replicas = (count: number) =>
  stage.cluster.kubectl("-n", stage.namespace, "scale", "gwg/edge", `--replicas=${count}`);
const settledInNormal = async () => {
  await stage.until("all from the control plane", 180, async ({ mode, traffic }) => {
    return mode === "Normal" && traffic?.fromControlPlane === 2 && (await running()).length === 2;
  });
  await stage.untilProven();
};

test.runIf(FULL)(
  "store and control plane are down together: held, nothing shrinks; the store's return is enough",
  async () => {
    failing();
    const before = lives(await stage.pods());
    const load = await underLoad(stage, 30, async () => {
      await stage.s3.process.kill();
      await stage.controlPlane.kill();
      await stage.until("held", 90, (status) => held(status) === "NoProof");
      await replicas(1);
      await sleep(15_000);
      const status = await stage.status();
      expect([status.mode, status.fallbackReady]).toEqual(["Normal", "StorageUnavailable"]);
      expect(lives(await stage.pods())).toEqual(before);
      await replicas(2);
      await stage.s3.process.start();
      await stage.untilMode("Fallback", 90);
      expect(lives(await stage.pods())).toEqual(before);
      await stage.controlPlane.start();
      await settledInNormal();
    });
    expect(lost(load)).toEqual([]);
  },
);

test.runIf(FULL)(
  "the reader's Secret is absent when a pod starts in normal times: it starts, and the risk is told",
  async () => {
    failing();
    const load = await underLoad(stage, 30, async () => {
      await stage.cluster.delete(stage.namespace, "secrets", "s3-gateway");
      await stage.until("told", 30, (status) => status.fallbackReady === "StorageSecretMissing");
      const gone = await deleteOne("normal");
      // Not status alone: for a moment it may still tell of the pod that is on its way out.
      await stage.until("two serve again", 60, async ({ traffic }) => {
        const pods = await running();
        const ready = pods.filter((pod) => isReady(pod) && pod.metadata.name !== gone);
        return traffic?.ready === 2 && pods.length === 2 && ready.length === 2;
      });
      expect(condition(await stage.status(), "Stalled")).toMatchObject({
        status: "True",
        reason: "StorageSecretMissing",
      });
      const before = lives(await stage.pods());
      await stage.cluster.apply(readerSecret());
      await stage.untilProven();
      expect(lives(await stage.pods())).toEqual(before);
    });
    expect(lost(load)).toEqual([]);
  },
);

test.runIf(FULL)(
  "the reader's Secret vanishes in an outage: told; a pod that starts waits for it and then serves",
  async () => {
    failing();
    const load = await underLoad(stage, 30, async () => {
      await stage.controlPlane.kill();
      await stage.untilMode("Fallback", 60);
      await stage.cluster.delete(stage.namespace, "secrets", "s3-gateway");
      await stage.until("told", 30, (status) => status.fallbackReady === "StorageSecretMissing");
      expect(condition(await stage.status(), "FallbackReady").message).toContain('"s3-gateway"');
      await deleteOne("normal");
      await sleep(15_000);
      const status = await stage.status();
      expect([status.mode, status.traffic.ready, isTrue(status, "Ready")]).toEqual(["Fallback", 1, false]);
      await stage.cluster.apply(readerSecret());
      await stage.until("two serve", 120, ({ traffic }) => traffic?.ready === 2 && traffic.fromSnapshot === 1);
      await stage.controlPlane.start();
      await settledInNormal();
    });
    expect(lost(load)).toEqual([]);
  },
);

test.runIf(FULL)("other keys for the reader: no pod restarts, and the proof is made anew with them", async () => {
  failing();
  const before = [...lives(await stage.pods()), ...lives(await stage.pods("edge", "backup"))];
  const proofs = async (): Promise<string[]> =>
    (await stage.status()).snapshot.proofs.map((proof: Json) => proof.readerSecretVersion);
  const [former] = await proofs();
  await stage.cluster.apply(secretManifest(stage.namespace, "s3-gateway", { ...stage.s3.admin }));
  await stage.until("proven with the new keys", 90, async (status) => {
    return status.fallbackReady === "Proven" && (await proofs())[0] !== former;
  });
  expect([...lives(await stage.pods()), ...lives(await stage.pods("edge", "backup"))]).toEqual(before);
  const load = await underLoad(stage, 30, async () => {
    await stage.controlPlane.kill();
    await deleteOne("normal");
    await stage.until(
      "one from the snapshot",
      60,
      async ({ traffic }) => traffic?.ready === 2 && (await sources()) === "fallback,normal",
    );
    await stage.controlPlane.start();
    await settledInNormal();
  });
  expect(lost(load)).toEqual([]);
});

test.runIf(FULL)("other keys for the exporter: the backup pod alone is replaced, and exports with them", async () => {
  failing();
  const traffic = lives(await stage.pods());
  const [backup] = await stage.pods("edge", "backup");
  await stage.cluster.apply(secretManifest(stage.namespace, "s3-exporter", { ...stage.s3.admin }));
  await stage.cluster.wait(
    "another backup pod",
    async () => {
      const pods = await stage.pods("edge", "backup");
      return pods.length === 1 && pods[0].metadata.uid !== backup.metadata.uid && pods[0].status.phase === "Running";
    },
    60,
  );
  const since = Date.now();
  await stage.cluster.wait("an export after that", async () => (await exportedAt(stage)) > since, 30);
  await sleep(5_000);
  expect(lives(await stage.pods())).toEqual(traffic);
});
