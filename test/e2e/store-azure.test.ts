import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";
import { type AzuriteServer, startAzurite } from "../lab/azurite.ts";
import { HOST } from "../lab/network.ts";
import { groupManifest, secretManifest } from "../stage/manifests.ts";
import { FULL, lives, lost } from "../stage/says.ts";
import { Stage } from "../stage/stage.ts";
import { saveReport, underLoad } from "../stage/watch.ts";

/** Flip and return on Azure Blob storage. */
let stage: Stage;
let azurite: AzuriteServer;
const ACCOUNT = "gateways";

beforeAll(async () => {
  [stage, azurite] = await Promise.all([
    Stage.surroundings("azure"),
    startAzurite([ACCOUNT], ["resources", "config"], HOST),
  ]);
  await stage.installOperator();
  const { namespace } = stage;
  const keys = { credentials: { secretRef: { name: "azure" } } };
  const azureBlob = {
    ...{ accountName: ACCOUNT, endpoint: azurite.endpoint(ACCOUNT) },
    ...{ resourceContainer: "resources", configContainer: "config" },
  };
  await stage.cluster.apply(
    secretManifest(namespace, "azure", { accountKey: azurite.accountKey(ACCOUNT) }),
    {
      apiVersion: "holdfast.dev/v1alpha1",
      kind: "FallbackStorage",
      metadata: { name: "eu", namespace },
      spec: { type: "AzureBlob", azureBlob, ...keys, validationIntervalSeconds: 5 },
    },
    groupManifest(namespace, { endpoint: stage.endpoint }),
  );
  await stage.untilProven().catch(async (error) => {
    await saveReport(stage, "azure-setup");
    throw error;
  });
});
afterAll(async () => {
  await stage?.end();
  await azurite?.stop();
});

test.runIf(FULL)(
  "flip and return: what serves stays, what starts comes from the snapshot in the containers",
  async () => {
    onTestFailed(() => saveReport(stage, "azure"));
    const before = lives(await stage.pods());
    const load = await underLoad(stage, 40, async () => {
      await stage.controlPlane.kill();
      await stage.untilMode("Fallback", 60);
      expect(lives(await stage.pods())).toEqual(before);
      const [victim] = await stage.pods();
      await stage.cluster.delete(stage.namespace, "pods", victim.metadata.name);
      await stage.until("its successor from the snapshot", 60, ({ traffic }) => {
        return traffic?.fromSnapshot === 1 && traffic.ready === 2;
      });
      await stage.controlPlane.start();
      await stage.until("returned", 180, ({ mode, traffic }) => mode === "Normal" && traffic?.fromControlPlane === 2);
    });
    expect(lost(load)).toEqual([]);
    await stage.untilProven();
  },
);
