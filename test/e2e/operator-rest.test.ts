import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";
import type { AuditedWrite } from "../lab/audit.ts";
import type { Json } from "../stage/cluster.ts";
import { tagImage } from "../stage/faults.ts";
import { condition, FULL, isTrue, lives, lost } from "../stage/says.ts";
import { exportedAt } from "../stage/snapshots.ts";
import { Stage } from "../stage/stage.ts";
import { saveReport, underLoad } from "../stage/watch.ts";
import { inWords, writesSince } from "../stage/writes.ts";

/** Nothing changes, and nothing is written: at rest, by a restarted operator, by an upgraded one. */
let stage: Stage;
const REST_SECONDS = FULL ? 600 : 25;
const SETTLE_SECONDS = 10;

beforeAll(async () => {
  stage = await Stage.surroundings("rest");
  await stage.installOperator();
  await stage.applyGroup();
  await stage.untilProven().catch(async (error) => {
    await saveReport(stage, "rest-setup");
    throw error;
  });
  // A gateway has a vote some 15 s after its start: until then status changes.
  await stage.until("all gateways vote", 60, (status) => status.controlPlane?.connected === 2);
  await sleep(SETTLE_SECONDS * 1000);
});
afterAll(() => stage?.end());

const failing = () => onTestFailed(() => saveReport(stage, "rest"));
const allLives = async () => [...lives(await stage.pods()), ...lives(await stage.pods("edge", "backup"))];
const written = (since: Date) => inWords(writesSince(stage, since));

test(
  `at rest for ${REST_SECONDS} s, with exports and probes going on, Holdfast writes nothing`,
  async () => {
    failing();
    const since = new Date();
    const exported = () => exportedAt(stage);
    const before = await exported();
    const load = await underLoad(stage, 30, () => sleep(REST_SECONDS * 1000));
    expect(lost(load)).toEqual([]);
    expect(await exported()).toBeGreaterThan(before);
    expect(written(since)).toEqual([]);
  },
  1_000 * (REST_SECONDS + 120),
);

test("both operator pods are deleted: their successors change nothing", async () => {
  failing();
  const before = await allLives();
  const old = (await stage.operators()).map((pod: Json) => pod.metadata.name);
  const since = new Date();
  const load = await underLoad(stage, 30, async () => {
    for (const name of old) await stage.cluster.delete(stage.system, "pods", name);
    await stage.untilLed(old);
    await sleep(SETTLE_SECONDS * 1000);
  });
  expect(lost(load)).toEqual([]);
  expect(await allLives()).toEqual(before);
  expect(written(since)).toEqual([]);
});

const image = (tag: string) => `localhost/holdfast:${tag}`;
/** Another version of Holdfast takes over. Returns what either of them wrote from the first moment of it on. */
async function upgrade(tag: string, values: Record<string, string>): Promise<() => AuditedWrite[]> {
  const old = (await stage.operators()).map((pod: Json) => pod.metadata.name);
  await tagImage(image("dev"), image(tag));
  const since = new Date();
  await stage.installOperator({ "image.tag": tag, ...values });
  await stage.untilLed(old);
  const isNew = (pod: Json) => pod.spec.containers[0].image === image(tag);
  await stage.cluster.wait(`${tag} runs alone`, async () => (await stage.operators()).every(isNew), 30);
  return () => writesSince(stage, since);
}
const template = async () => (await stage.cluster.get(stage.namespace, "deployments", "edge")).spec.template;

test("an upgraded operator with the same image of the start choice writes nothing and restarts nothing", async () => {
  failing();
  const [before, templateBefore] = [await allLives(), await template()];
  const load = await underLoad(stage, 30, async () => {
    const writes = await upgrade("next", { chooseImage: image("dev") });
    await sleep(SETTLE_SECONDS * 1000);
    expect(inWords(writes())).toEqual([]);
  });
  expect(lost(load)).toEqual([]);
  expect(await allLives()).toEqual(before);
  expect(await template()).toEqual(templateBefore);
  expect(isTrue(await stage.status(), "RestartPending")).toBe(false);
});

test("an upgraded operator, whose pods would start with another image of the start choice, only says so", async () => {
  failing();
  const [before, templateBefore] = [await allLives(), await template()];
  const load = await underLoad(stage, 30, async () => {
    const writes = await upgrade("later", {});
    await stage.until("told that a change waits", 30, (status) => isTrue(status, "RestartPending"));
    await sleep(SETTLE_SECONDS * 1000);
    expect(condition(await stage.status(), "RestartPending")).toMatchObject({ reason: "RendersDifferently" });
    expect(await allLives()).toEqual(before);
    expect(await template()).toEqual(templateBefore);
    const saying = ({ resource }: AuditedWrite) => ["gatewaygroups/status", "events"].includes(resource);
    expect(inWords(writes().filter((write) => !saying(write)))).toEqual([]);
    // The status that says it and its event, and one more of each where the look before was not complete.
    expect(writes().length, inWords(writes()).join("\n")).toBeLessThanOrEqual(4);
  });
  expect(lost(load)).toEqual([]);
  await stage.untilProven();
});

test.runIf(FULL)("restart-at applies what waits: every pod is replaced, no request fails", async () => {
  failing();
  const load = await underLoad(stage, 30, async () => {
    const at = `holdfast.dev/restart-at=${new Date().toISOString()}`;
    await stage.cluster.kubectl("-n", stage.namespace, "annotate", "gwg/edge", at);
    await stage.until("rolled", 120, async (status) => {
      const pods = await stage.pods();
      const next = pods.every((pod) => JSON.stringify(pod.spec.initContainers).includes(image("later")));
      return next && pods.length === 2 && status.traffic?.ready === 2 && !isTrue(status, "RestartPending");
    });
  });
  expect(lost(load)).toEqual([]);
  await stage.untilProven();
});
