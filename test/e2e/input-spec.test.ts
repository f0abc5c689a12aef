import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";
import { type Load, startLoad } from "../simulator/load.ts";
import { type Mistake, makeAndUndo, ofSpec } from "../stage/bad-input.ts";
import type { Json } from "../stage/cluster.ts";
import { groupManifest } from "../stage/manifests.ts";
import { condition, lives, lost } from "../stage/says.ts";
import { GATEWAY_IMAGE, Stage } from "../stage/stage.ts";
import { saveReport } from "../stage/watch.ts";

/** Mistakes in the spec of a group that serves: told with field, value and way out; nothing that serves is touched. */
let stage: Stage;
let load: Load;
let before: string[];

beforeAll(async () => {
  stage = await Stage.surroundings("input-spec");
  await stage.installOperator();
  await stage.applyGroup();
  await stage.untilProven().catch(async (error) => {
    await saveReport(stage, "input-spec-setup");
    throw error;
  });
  before = lives(await stage.pods());
  load = startLoad({ url: await stage.url(), rate: 30 });
});
afterAll(async () => {
  await load?.stop();
  await stage?.end();
});

const image = (wrong: string, reason: string, ...says: (string | RegExp)[]): Mistake =>
  ofSpec(`image ${wrong}`, { gateway: { image: wrong } }, { gateway: { image: GATEWAY_IMAGE } }, reason, ...says);

const ENV = [{ name: "SIM_EXPOSE_POD", value: "1" }];
const podTemplate = (spec: Json) => ({ traffic: { podTemplate: { spec } } });
const gateway = (fields: Json) => podTemplate({ containers: [{ name: "gateway", env: ENV, ...fields }] });
const asBefore = podTemplate({ containers: [{ name: "gateway", env: ENV }], hostNetwork: null });
const template = (what: string, spec: Json, ...says: (string | RegExp)[]): Mistake =>
  ofSpec(what, spec, asBefore, "PodTemplateRefused", "spec.traffic.podTemplate.spec", ...says);

const MISTAKES: Mistake[] = [
  image("docker.io/api7/api7-ee-3-gateway", "InvalidImage", "spec.gateway.image", "has no tag", "use a tag like"),
  image("docker.io/api7/api7-ee-3-gateway:latest", "InvalidImage", "spec.gateway.image", '"latest"', "use a tag like"),
  image(
    "docker.io/api7/api7-ee-3-gateway:3.8.20",
    "UnsupportedVersion",
    "spec.gateway.image",
    "3.8.20",
    /use .*3\.8\.21/,
  ),
  ofSpec(
    "a key of config.yaml that Holdfast owns",
    { gateway: { config: { nginx_config: { worker_processes: "auto" } } } },
    { gateway: { config: null } },
    "OwnedConfigKey",
    "spec.gateway.config.nginx_config.worker_processes",
    "spec.gateway.workers",
  ),
  template(
    "a readiness probe that asks for the control plane",
    gateway({ readinessProbe: { tcpSocket: null, httpGet: { path: "/status/ready", port: 7085 } } }),
    "readinessProbe",
    /control plane/,
    /Probe the http port/,
  ),
  template("a liveness probe", gateway({ livenessProbe: { tcpSocket: { port: 9080 } } }), "livenessProbe", /Remove it/),
  template("pull policy Always", gateway({ imagePullPolicy: "Always" }), "imagePullPolicy", /Use IfNotPresent/),
  template("hostNetwork", podTemplate({ hostNetwork: true }), "hostNetwork", /NodePort or LoadBalancer/),
  ofSpec(
    "a FallbackStorage that does not exist",
    { fallback: { storageRef: { name: "us" } } },
    { fallback: { storageRef: { name: "eu" } } },
    "StorageNotFound",
    "spec.fallback.storageRef.name",
    '"us"',
    /create it/,
  ),
  ofSpec(
    "a privileged container, which Pod Security refuses",
    gateway({ securityContext: { privileged: true, allowPrivilegeEscalation: true } }),
    asBefore,
    "PodsRefused",
    /PodSecurity "restricted/,
    /securityContext\.privileged=true/,
  ),
];

test.each(MISTAKES)("$what", async (mistake) => {
  onTestFailed(() => saveReport(stage, "input-spec"));
  await makeAndUndo(stage, mistake);
});

test("an endpoint that is not https never gets into the cluster", async () => {
  const wrong = groupManifest(stage.namespace, { name: "other", endpoint: "http://dp-manager:7943" });
  await expect(stage.cluster.apply(wrong)).rejects.toThrow(
    /spec\.controlPlane\.endpoint.*http:\/\/dp-manager:7943.*https/s,
  );
});

test("a Service of that name which is somebody else's is left alone until its owner gives it away", async () => {
  onTestFailed(() => saveReport(stage, "input-spec-name"));
  const { cluster, namespace } = stage;
  const theirs = { selector: { app: "theirs" }, ports: [{ name: "http", port: 80 }] };
  await cluster.apply({ apiVersion: "v1", kind: "Service", metadata: { name: "guest", namespace }, spec: theirs });
  const spec = {
    shortID: "guest",
    gateway: { image: GATEWAY_IMAGE, workers: 1 },
    traffic: { replicas: 1, drainSeconds: 1 },
  };
  await cluster.apply(groupManifest(namespace, { name: "guest", endpoint: stage.endpoint, spec }));
  const stalled = async () => condition(await stage.status("guest"), "Stalled");
  await stage.until("NameTaken", 30, async () => (await stalled())?.reason === "NameTaken");
  expect((await stalled()).message).toMatch(/Service "guest" exists.*holdfast\.dev\/adopt-by=guest/s);
  const selector = async () => (await cluster.get(namespace, "services", "guest")).spec.selector;
  expect(await selector()).toEqual({ app: "theirs" });
  await cluster.kubectl("-n", namespace, "annotate", "service/guest", "holdfast.dev/adopt-by=guest");
  await stage.until(
    "taken over, once its own pods serve",
    90,
    async () => (await selector())["holdfast.dev/group"] === "guest",
  );
  await stage.until("healed", 60, async () => (await stalled())?.status === "False");
  expect((await selector())["app"]).toBeUndefined();
});

test("through all of this the group served from the same pods, and no request failed", async () => {
  expect(lost(load.snapshot())).toEqual([]);
  expect(lives(await stage.pods())).toEqual(before);
});
