import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";
import type { Json } from "../stage/cluster.ts";
import { condition, FULL, isTrue, lives, lost } from "../stage/says.ts";
import { Stage } from "../stage/stage.ts";
import { saveReport, sourceOf, underLoad } from "../stage/watch.ts";

/** Two odd items among twenty good routes: the group stays provable, goes to fallback without them, and comes back. */
let stage: Stage;

beforeAll(async () => {
  stage = await Stage.surroundings("odd");
  await stage.installOperator();
  await stage.applyGroup();
  await stage.untilProven().catch(async (error) => {
    await saveReport(stage, "odd-setup");
    throw error;
  });
});
afterAll(() => stage?.end());

const ODD = [
  { id: "not-enabled", uris: ["/odd-1"], service_id: "s1", status: 1, plugins: { "my-plugin": {} } },
  { id: "not-valid", uris: ["/odd-2"], service_id: "s1", status: 1, plugins: { "limit-count": { count: "many" } } },
];
const NAMES = ["routes/not-enabled", "routes/not-valid"];

test.runIf(FULL)("they are named, accepted once, and neither the flip nor the return fails on them", async () => {
  onTestFailed(() => saveReport(stage, "odd"));
  const before = lives(await stage.pods());
  const { digest } = (await stage.status()).snapshot;
  await stage.admin("POST", "/admin/objects", { routes: ODD });
  await stage.until("the export does not load", 240, (status) => {
    return condition(status, "SnapshotQuarantined")?.reason === "RehearsalFailed";
  });
  const failed = await stage.status();
  const { message } = condition(failed, "SnapshotQuarantined") ?? {};
  expect(message).toContain(`Not loaded: ${NAMES.join(", ")}. Correct or remove`);
  expect(failed.summary).toContain("Newest export: ");
  expect([failed.snapshot.digest, isTrue(failed, "FallbackReady"), failed.fallbackReady]).toEqual([
    digest,
    true,
    "Quarantined",
  ]);
  expect(failed.snapshot.warnings.map(({ reason, kind, id }: Json) => `${reason} ${kind}/${id}`)).toEqual([
    "PluginNotListed routes/not-enabled",
  ]);
  const [word] = /holdfast\.dev\/accept-without=[0-9a-z-]+/.exec(message) ?? [];
  await stage.cluster.kubectl("-n", stage.namespace, "annotate", "gwg/edge", String(word));
  await stage.until("proven without them", 240, (status) => status.fallbackReady === "ProvenWithout");
  const { snapshot, approvals } = await stage.status();
  expect([snapshot.proofs[0].without, snapshot.counts.routes, approvals.acceptWithout]).toEqual([
    NAMES,
    22,
    word?.split("=")[1],
  ]);
  expect(lives(await stage.pods()), "nothing that serves was touched").toEqual(before);

  const load = await underLoad(stage, 50, async () => {
    await stage.controlPlane.kill();
    await stage.untilMode("Fallback", 90);
    const [victim] = await stage.pods();
    await stage.cluster.delete(stage.namespace, "pods", victim?.metadata.name);
    await stage.cluster.wait(
      "a pod serves from the snapshot",
      async () => {
        const ready = (await stage.pods()).filter((pod) => !pod.metadata.deletionTimestamp);
        return ready.map(sourceOf).includes("fallback") && (await stage.status()).traffic?.ready === 2;
      },
      90,
    );
    await stage.controlPlane.start();
    // A canary waits its whole minute for an item that no gateway loads.
    await stage.until("back", 300, ({ mode, traffic }) => mode === "Normal" && traffic?.fromControlPlane === 2);
  });
  expect(lost(load)).toEqual([]);
});
