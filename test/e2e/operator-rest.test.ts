import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";
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
  await sleep(SETTLE_SECONDS * 1000);
});
afterAll(() => stage?.end());

const failing = () => onTestFailed(() => saveReport(stage, "rest"));
const allLives = async () => [...lives(await stage.pods()), ...lives(await stage.pods("edge", "backup"))];
const written = (since: Date) => inWords(writesSince(stage, since));

test(`at rest for ${REST_SECONDS} s, with exports and probes going on, Holdfast writes nothing`, async () => {
  failing();
  const since = new Date();
  const exported = () => exportedAt(stage);
  const before = await exported();
  const load = await underLoad(stage, 30, () => sleep(REST_SECONDS * 1000));
  expect(lost(load)).toEqual([]);
  expect(await exported()).toBeGreaterThan(before);
  expect(written(since)).toEqual([]);
});

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

test("an upgraded operator, whose pods would start with another image of the start choice, restarts nothing", async () => {
  failing();
  const before = await allLives();
  const old = (await stage.operators()).map((pod: Json) => pod.metadata.name);
  const template = async () => (await stage.cluster.get(stage.namespace, "deployments", "edge")).spec.template;
  const templateBefore = await template();
  await tagImage("localhost/holdfast:dev", "localhost/holdfast:next");
  const load = await underLoad(stage, 30, async () => {
    await stage.installOperator({ "image.tag": "next" });
    await stage.untilLed(old);
    await stage.until("told that a change waits", 30, (status) => isTrue(status, "RestartPending"));
    await sleep(SETTLE_SECONDS * 1000);
    expect(condition(await stage.status(), "RestartPending")).toMatchObject({ reason: "RendersDifferently" });
    expect(await allLives()).toEqual(before);
    expect(await template()).toEqual(templateBefore);
    const since = new Date();
    await sleep(SETTLE_SECONDS * 1000);
    expect(written(since)).toEqual([]);
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
      const next = pods.every((pod) => JSON.stringify(pod.spec.initContainers).includes("localhost/holdfast:next"));
      return next && pods.length === 2 && status.traffic?.ready === 2 && !isTrue(status, "RestartPending");
    });
  });
  expect(lost(load)).toEqual([]);
  await stage.untilProven();
});
