import { afterAll, beforeAll, expect, test } from "vitest";
import { condition, FULL } from "../stage/says.ts";
import { isReady, Story } from "../stage/story.ts";
import { timed, underLoad } from "../stage/watch.ts";

/**
 * Gateways that open their port before a worker has its configuration (SIM_LOAD_AFTER_LISTEN): as open-source APISIX over a
 * store without its directory markers. A pod takes requests once it has loaded, and keeps Ready whatever is lost later.
 */
let story: Story;

const traffic = (flavour: "opensource" | "vendor", more: object = {}) => {
  const env = { SIM_EXPOSE_POD: "1", SIM_LOAD_AFTER_LISTEN: "1", SIM_FLAVOUR: flavour };
  const list = Object.entries(env).map(([name, value]) => ({ name, value }));
  return { podTemplate: { spec: { containers: [{ name: "gateway", env: list, ...more }] } } };
};

beforeAll(async () => {
  // Two workers, and no check of a route: that is not what Ready rests on. The vendor's story below has one.
  story = await Story.begin("window", {
    spec: { gateway: { workers: 2 }, traffic: { ...traffic("opensource"), check: undefined } },
  });
});
afterAll(() => story?.stage.end());

/** No request fails. How many kept connections close while idle is the business of stories about how pods end. */
async function loses0(happens: () => Promise<void>): Promise<void> {
  const { failed, notSent, examples } = await underLoad(story.stage, 50, happens);
  expect({ failed, notSent }, JSON.stringify(examples)).toEqual({ failed: 0, notSent: 0 });
}
const slowly = (ms: number) =>
  story.stage.admin("POST", "/admin/fault", ms > 0 ? { mode: "slow", ms } : { mode: "none" });

/** One more pod, ready; resolves when it has served for a while. */
async function grows(): Promise<void> {
  const before = (await story.pods()).length;
  await story.scale(before + 1);
  await story.stage.cluster.wait("one more is ready", async () => (await story.ready()).length === before + 1, 90);
}

async function shrinks(): Promise<void> {
  await story.scale(2);
  await story.stage.cluster.wait("two pods are left", async () => (await story.stage.pods()).length === 2, 90);
}

async function staysReady(seconds: number): Promise<void> {
  const uids = (await story.ready()).map((pod) => pod.metadata.uid);
  for (const end = performance.now() + seconds * 1_000; performance.now() < end; ) {
    const ready = (await story.stage.pods()).filter(isReady).map((pod) => pod.metadata.uid);
    expect(ready).toEqual(expect.arrayContaining(uids));
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

test("scaled up, rolled, and scaled up beside a control plane that takes 2 s for each answer: no request is lost", async () => {
  story.reportFailure();
  await loses0(async () => {
    await timed("a pod more", grows);
    await shrinks();
    await timed("kubectl rollout restart", () => story.rolloutRestart());
    await slowly(2_000);
    await timed("a pod more beside a slow control plane", grows);
    await slowly(0);
    await shrinks();
  });
});

test("the control plane dies: what serves keeps Ready, what starts comes from the snapshot, all return", async () => {
  story.reportFailure();
  await story.stage.untilProven();
  await loses0(async () => {
    await story.stage.controlPlane.kill();
    await staysReady(8);
    const [victim] = await story.ready();
    await story.stage.cluster.delete(story.stage.namespace, "pods", victim.metadata.name);
    await story.stage.untilMode("Fallback", 120);
    await timed("a pod from the snapshot", () => story.untilSources("fallback,normal"));
    await staysReady(5);
    await story.stage.controlPlane.start();
    await story.untilSources("normal,normal", 180);
    await story.stage.untilMode("Normal", 120);
  });
});

test("with the operator down: a pod that starts beside the control plane, and one without", async () => {
  story.reportFailure();
  await story.stage.untilProven();
  const { cluster, namespace } = story.stage;
  await story.stage.operatorScale(0);
  const replaced = async (sources: string) => {
    const victim = await story.oneFrom("normal");
    await cluster.delete(namespace, "pods", victim.metadata.name);
    await story.untilSources(sources);
  };
  await loses0(async () => {
    await replaced("normal,normal");
    await story.stage.controlPlane.kill();
    await staysReady(5);
    await replaced("fallback,normal");
    await staysReady(5);
    await story.stage.controlPlane.start();
  });
  await story.stage.operatorScale(2);
  await story.untilSources("normal,normal", 180);
});

test.runIf(FULL)("the vendor's meaning of /status/ready: the same, by what the control API tells", async () => {
  story.reportFailure();
  await loses0(async () => {
    // One worker: this meaning names none that has no configuration, and the control API answers from one that has it.
    await story.patch({ gateway: { workers: 1 }, traffic: { ...traffic("vendor"), check: { path: "/r1" } } });
    await rolled((text) => text.includes('"vendor"'));
    await slowly(2_000);
    await grows();
    await slowly(0);
    await shrinks();
    await story.stage.controlPlane.kill();
    await staysReady(8);
    await story.stage.controlPlane.start();
  });
  await story.stage.untilProven(180);
});

test.runIf(FULL)("without the gate, requests meet a gateway that has not loaded: what this page is about", async () => {
  story.reportFailure();
  const { cluster, namespace } = story.stage;
  // A merge patch would drop the null.
  const { podTemplate } = traffic("opensource", { startupProbe: null });
  const path = cluster.path(namespace, "gatewaygroups", "edge");
  const json = { "content-type": "application/json-patch+json" };
  const patch = [{ op: "replace", path: "/spec/traffic/podTemplate", value: podTemplate }];
  expect((await cluster.api.call("PATCH", path, patch, json)).code).toBe(200);
  await rolled((text) => !text.includes("startupProbe"));
  const load = await underLoad(story.stage, 100, async () => {
    await slowly(2_000);
    await grows();
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    await slowly(0);
  });
  console.log(`without the gate: ${JSON.stringify(load.failedStatus)}`);
  expect(load.failedStatus["404"]).toBeGreaterThan(0);
  expect(condition(await story.stage.status(), "Stalled")?.status).not.toBe("True");
});

async function rolled(is: (template: string) => boolean): Promise<void> {
  const { cluster, namespace } = story.stage;
  const templateOf = async () => (await cluster.get(namespace, "deployments", "edge")).spec.template;
  await cluster.wait("the change is on its way", async () => is(JSON.stringify(await templateOf())), 90);
  await cluster.kubectl("-n", namespace, "rollout", "status", "deployment/edge", "--timeout=120s");
}
