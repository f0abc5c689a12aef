import { afterAll, beforeAll, expect, test } from "vitest";
import type { Json } from "../stage/cluster.ts";
import { condition, FULL, lives } from "../stage/says.ts";
import { expectNoneLost, Story } from "../stage/story.ts";
import { sourceOf, underLoad } from "../stage/watch.ts";

/** The start choice on a real kubelet: little CPU, nothing to read, no memory, no image. What happens, what is said. */
let story: Story;

beforeAll(async () => {
  if (FULL) story = await Story.begin("choice");
});
afterAll(() => story?.stage.end());

const chooseOf = (pod: Json): Json => pod.status.initContainerStatuses?.find((c: Json) => c.name === "choose");
const saidBy = (pod: Json): Json => JSON.parse(chooseOf(pod).state.terminated.message);
const names = (pods: readonly Json[]): string[] => pods.map(({ metadata }) => metadata.name);

/** The pod that came after these. */
async function newcomer(old: readonly Json[], limitSeconds: number, is: (pod: Json) => boolean): Promise<Json> {
  const find = async () => (await story.pods()).find((pod) => !names(old).includes(pod.metadata.name) && is(pod));
  await story.stage.cluster.wait("a new pod, as expected", async () => (await find()) !== undefined, limitSeconds);
  return find();
}

test.runIf(FULL)(
  "a quarter of a core, by a LimitRange of the namespace: it still tells silence from itself",
  async () => {
    story.reportFailure();
    const { cluster, namespace, controlPlane } = story.stage;
    await cluster.apply({
      apiVersion: "v1",
      kind: "LimitRange",
      metadata: { name: "quarter", namespace },
      spec: { limits: [{ type: "Container", default: { cpu: "250m" }, defaultRequest: { cpu: "20m" } }] },
    });
    const load = await underLoad(story.stage, 30, async () => {
      const first = await story.ready();
      await cluster.delete(namespace, "pods", first[0].metadata.name);
      const ended = (one: Json) => chooseOf(one)?.state.terminated !== undefined;
      const beside = await newcomer(first, 60, ended);
      expect(saidBy(beside), "slow, and yet it sees who answers").toMatchObject({
        choice: "normal",
        reason: "ControlPlaneAnswered",
      });
      await story.untilSources("normal,normal");
      const old = await story.ready();
      await controlPlane.kill();
      await cluster.delete(namespace, "pods", old[0].metadata.name);
      const pod = await newcomer(old, 60, ended);
      const choose = pod.spec.initContainers.find((c: Json) => c.name === "choose");
      expect(choose.resources.limits.cpu).toBe("250m");
      expect(saidBy(pod)).toMatchObject({ choice: "fallback", reason: "ControlPlaneSilent" });
      await cluster.delete(namespace, "limitranges", "quarter");
      await story.untilSources("fallback,normal");
      await controlPlane.start();
      await story.untilSources("normal,normal", 180);
      await story.stage.untilProven();
    });
    expectNoneLost(load);
  },
);

test.runIf(FULL)(
  "the certificate's Secret is absent when a pod starts: it starts, and both say what is missing",
  async () => {
    story.reportFailure();
    const { cluster, namespace } = story.stage;
    const secret = await cluster.get(namespace, "secrets", "edge-dp-cert");
    const load = await underLoad(story.stage, 30, async () => {
      const old = await story.ready();
      await cluster.delete(namespace, "secrets", "edge-dp-cert");
      await story.until("told", 90, (status) => condition(status, "Stalled")?.message.includes('"edge-dp-cert"'));
      await cluster.delete(namespace, "pods", old[0].metadata.name);
      const pod = await newcomer(old, 60, (one) => one.status.containerStatuses?.[0]?.state.running !== undefined);
      expect(saidBy(pod).absent).toContain("clientCertificate");
      expect(names(await story.ready())).toContain(old[1].metadata.name);
      const { type, data, metadata } = secret;
      await cluster.apply({
        apiVersion: "v1",
        kind: "Secret",
        type,
        data,
        metadata: { name: metadata.name, namespace },
      });
      // The kubelet brings a Secret into a running pod within its sync period, a minute or so.
      await story.stage.cluster.wait("two serve", async () => (await story.ready()).length === 2, 240);
      await story.until("nothing is wrong", 60, (status) => condition(status, "Stalled")?.status === "False");
      await story.stage.untilProven();
    });
    expectNoneLost(load);
  },
);

test.runIf(FULL)("killed for its memory: that pod waits, what serves goes on, and the container is named", async () => {
  story.reportFailure();
  const { cluster, namespace } = story.stage;
  const before = lives(await story.ready());
  const load = await underLoad(story.stage, 30, async () => {
    // Holdfast takes such an edit back at once: it is away while the kubelet shows what becomes of the pod.
    await story.stage.operatorScale(0);
    const limit = { name: "choose", resources: { requests: { memory: "16Mi" }, limits: { memory: "16Mi" } } };
    await cluster.kubectl(
      ...["-n", namespace, "patch", "deployment/edge", "--type=strategic", "-p"],
      JSON.stringify({ spec: { template: { spec: { initContainers: [limit] } } } }),
    );
    const pod = await newcomer(await story.ready(), 120, (one) => (chooseOf(one)?.restartCount ?? 0) >= 1);
    const { state, lastState } = chooseOf(pod);
    expect([state.terminated?.reason, lastState.terminated?.reason]).toContain("OOMKilled");
    expect(pod.status.containerStatuses[0].state.waiting.reason).toBe("PodInitializing");
    expect(lives(await story.ready())).toEqual(before);
    // Suspended, it writes status alone, and takes back neither the edit nor the want of a third pod.
    await story.patch({ suspend: true });
    await story.scale(3);
    await story.stage.operatorScale(2);
    const said = /^2 of 3 traffic pods serve; pod (\S+): choose: .*OOMKilled/;
    const told = (status: Json) => said.exec(condition(status, "Ready")?.message ?? "")?.[1];
    await story.until("Holdfast names pod, container and cause", 60, (status) => told(status) === pod.metadata.name);
    expect(condition(await story.stage.status(), "Ready")).toMatchObject({ status: "False", reason: "PodsMissing" });
    expect(lives(await story.ready())).toEqual(before);
    await story.scale(2);
    await story.patch({ suspend: false });
    await story.untilSources("normal,normal", 120);
    await story.stage.untilProven();
  });
  expectNoneLost(load);
});

test.runIf(FULL)(
  "its image is missing: the pods that serve are left alone, new ones wait and are told with it",
  async () => {
    story.reportFailure();
    const { cluster, namespace } = story.stage;
    const image = "localhost/holdfast:missing";
    const before = lives(await story.ready());
    const load = await underLoad(story.stage, 30, async () => {
      await story.stage.installOperator({ chooseImage: image });
      await story.until("a change waits", 60, (status) => condition(status, "RestartPending")?.status === "True");
      expect(lives(await story.ready())).toEqual(before);
      const at = `holdfast.dev/restart-at=${new Date().toISOString()}`;
      await cluster.kubectl("-n", namespace, "annotate", "--overwrite", "gwg/edge", at);
      const pod = await newcomer(await story.ready(), 90, (one) =>
        chooseOf(one)?.state.waiting?.reason.includes("Image"),
      );
      expect(sourceOf(pod)).toBe("unknown");
      await story.until("told", 90, (status) => JSON.stringify(status.conditions).includes(image));
      expect(lives(await story.ready())).toEqual(before);
      await story.stage.installOperator();
      await story.untilSources("normal,normal", 180);
      await story.stage.untilProven();
    });
    expectNoneLost(load);
  },
);
