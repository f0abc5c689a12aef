/** The life of a group on a real API server: made, quiet, healed, restarted, killed in the middle, deleted. */
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../lab/process.ts";
import {
  type Bench,
  becomes,
  condition,
  deploymentPath,
  groupPath,
  LIMIT_MS,
  type Loose,
  merge,
  NAMESPACE,
  type OperatorProcess,
  startBench,
  untilQuiet,
  V1,
} from "./operator-bench.ts";
import { makeServing, podsOf, rehearse, serveAll } from "./operator-kubelet.ts";

let bench: Bench;
let operator: OperatorProcess;

beforeAll(async () => {
  bench = await startBench();
  operator = await bench.startOperator();
});
afterAll(async () => {
  await bench?.stop();
});

const tell = () => bench.writes().map(({ verb, resource, name, code }) => `${verb} ${resource} ${name} ${code}`);

const servingGroup = (name: string, change?: (spec: Loose) => void) => makeServing(bench, name, change);

test("a group gets all its children, and a status that says where it stands", async () => {
  await servingGroup("edge");
  for (const path of [
    deploymentPath("edge"),
    deploymentPath("edge-backup"),
    `${V1}/services/edge`,
    `${V1}/configmaps/edge-start`,
    `${V1}/serviceaccounts/edge-traffic`,
    `${V1}/serviceaccounts/edge-backup`,
    `/apis/policy/v1/namespaces/${NAMESPACE}/poddisruptionbudgets/edge`,
    `/apis/networking.k8s.io/v1/namespaces/${NAMESPACE}/networkpolicies/edge-backup`,
  ]) {
    expect(await bench.object(path), path).toBeDefined();
  }
  const status = await bench.status("edge");
  expect(status["observedGeneration"]).toBe(1);
  expect(status["controlPlane"]).toMatchObject({ verdict: "Reachable" });
  expect(status["traffic"]).toMatchObject({ replicas: 2, ready: 2, fromControlPlane: 2 });
  expect(await condition(bench, "edge", "FallbackReady")).toMatchObject({ status: "False", reason: "NoExportYet" });
});

test("at rest nothing is written, though probes and exports go on", async () => {
  const before = tell();
  const asked = bench.dpManager.requests();
  await wait(10_000);
  expect(tell().slice(before.length)).toEqual([]);
  expect(bench.dpManager.requests()).toBeGreaterThan(asked);
});

test("an export is proven by a rehearsal and becomes the verified pair", async () => {
  await bench.exportSnapshot("edge", 3);
  const rehearsals = () => podsOf(bench, "edge", "rehearsal");
  await until("a rehearsal pod is there", async () => (await rehearsals()).length === 1, LIMIT_MS);
  expect((await condition(bench, "edge", "FallbackReady"))?.["status"]).toBe("False");
  await rehearse(bench, (await rehearsals())[0] as Loose, { routes: 3, services: 1, upstreams: 0 });
  await becomes(bench, "edge", "FallbackReady", "True", "Proven");
  const start = await bench.object(`${V1}/configmaps/edge-start`);
  const published = JSON.parse(start?.["data"]["start.json"]);
  expect(Object.keys(published.proofs)).toHaveLength(1);
  await until(
    "the rehearsal pod is gone",
    async () => (await podsOf(bench, "edge", "rehearsal")).length === 0,
    LIMIT_MS,
  );
  await untilQuiet(bench, 3_000);
});

test("the same content exported again is no news", async () => {
  const before = tell();
  for (let i = 0; i < 3; i += 1) {
    await bench.exportSnapshot("edge", 3);
    await wait(2_500);
  }
  expect(tell().slice(before.length)).toEqual([]);
});

test("a restart of the operator with nothing changed writes nothing", async () => {
  const before = tell();
  await operator.process.stop();
  await operator.process.start();
  await until(
    "it has looked at the group",
    async () => /holdfast_group_mode.*edge.*Normal"} 1/.test(await operator.metrics()),
    LIMIT_MS,
  );
  await wait(5_000);
  expect(tell().slice(before.length)).toEqual([]);
});

test("hand edits are taken back, and what others added stays", async () => {
  await merge(bench, `${V1}/services/edge`, { spec: { selector: { "holdfast.dev/role": "backup" } } });
  await merge(bench, deploymentPath("edge"), { metadata: { labels: { team: "blue" } } });
  await until(
    "the selector is back",
    async () => (await bench.object(`${V1}/services/edge`))?.["spec"].selector["holdfast.dev/role"] === "traffic",
    LIMIT_MS,
  );
  await untilQuiet(bench, 3_000);
  expect((await bench.object(deploymentPath("edge")))?.["metadata"].labels.team).toBe("blue");
});

test("what the spec names no more is taken away, though it was made by a create", async () => {
  const nodeSelector = async () => (await bench.object(deploymentPath("edge")))?.["spec"].template.spec.nodeSelector;
  await servingGroup("edge", (spec) => {
    spec["traffic"] = { podTemplate: { spec: { nodeSelector: { disk: "fast" } } } };
  });
  await until("the selector is there", async () => (await nodeSelector())?.disk === "fast", LIMIT_MS);
  await servingGroup("edge", (spec) => {
    spec["traffic"] = {};
  });
  await until("the selector is gone", async () => (await nodeSelector()) === undefined, LIMIT_MS);
  const managers = (await bench.object(deploymentPath("edge")))?.["metadata"].managedFields.map(
    (entry: Loose) => `${entry["manager"]} ${entry["operation"]}`,
  );
  expect(managers).toContain("holdfast Apply");
  expect((await bench.object(deploymentPath("edge")))?.["spec"].replicas).toBe(2);
});

test("replicas follow the scale subresource of the group, by scale of the Deployment", async () => {
  const scale = { metadata: { name: "edge", namespace: NAMESPACE }, spec: { replicas: 3 } };
  const { code } = await bench.api.call("PUT", `${groupPath("edge")}/scale`, {
    apiVersion: "autoscaling/v1",
    kind: "Scale",
    ...scale,
  });
  expect(code).toBe(200);
  await until(
    "there are 3",
    async () => (await bench.object(deploymentPath("edge")))?.["spec"].replicas === 3,
    LIMIT_MS,
  );
  expect(tell().filter((write) => write.startsWith("update deployments/scale edge"))).not.toHaveLength(0);
});

test("a Service of that name that is a stranger's is left alone until its owner lets Holdfast have it", async () => {
  const stranger = {
    metadata: { name: "lane" },
    spec: { ports: [{ name: "http", port: 80 }], selector: { app: "theirs" } },
  };
  await bench.api.call("POST", `${V1}/services`, stranger);
  await bench.group("lane");
  await becomes(bench, "lane", "Stalled", "True", "NameTaken");
  expect((await bench.object(`${V1}/services/lane`))?.["spec"].selector).toEqual({ app: "theirs" });
  expect(await bench.object(deploymentPath("lane")), "the rest is made all the same").toBeDefined();
  await merge(bench, `${V1}/services/lane`, { metadata: { annotations: { "holdfast.dev/adopt-by": "lane" } } });
  await becomes(bench, "lane", "Stalled", "True", "AdoptionWaits");
  expect((await bench.object(`${V1}/services/lane`))?.["spec"].selector, "nothing of ours serves yet").toEqual({
    app: "theirs",
  });
  await until(
    "pods of lane serve",
    async () => {
      await serveAll(bench, "lane");
      return (await condition(bench, "lane", "Ready"))?.["status"] === "True";
    },
    LIMIT_MS,
  );
  await becomes(bench, "lane", "Stalled", "False", "Accepted");
  const adopted = await bench.object(`${V1}/services/lane`);
  expect(adopted?.["spec"].selector).toMatchObject({ "holdfast.dev/group": "lane" });
});

test("killed in the middle of making groups, it ends where an undisturbed one would", async () => {
  const names = Array.from({ length: 8 }, (_, index) => `many-${index}`);
  for (const name of names) await bench.group(name);
  await until("some are begun", async () => tell().some((write) => write.includes("deployments many-")), LIMIT_MS);
  await operator.process.kill();
  await operator.process.start();
  const children = async (name: string) => {
    const { body } = await bench.api.call("GET", `${V1}/configmaps?labelSelector=holdfast.dev/group=${name}`);
    const made = await Promise.all(
      [deploymentPath(name), deploymentPath(`${name}-backup`), `${V1}/services/${name}`].map(bench.object),
    );
    return body.items.length === 4 && made.every((object) => object !== undefined);
  };
  for (const name of names) await until(`${name} is whole`, () => children(name), LIMIT_MS);
  await untilQuiet(bench, 3_000);
  const created = tell().filter(
    (write) => write.startsWith("create") && !write.includes("events") && write.includes("many-"),
  );
  expect(created.length, "nothing was made twice").toBe(new Set(created).size);
});

test("a deleted group under Retain leaves what serves, and a new one takes it over without a roll", async () => {
  const before = await bench.object(deploymentPath("edge"));
  await bench.api.call("DELETE", groupPath("edge"), { propagationPolicy: "Background" });
  await until(
    "the exporter is gone",
    async () => (await bench.object(deploymentPath("edge-backup"))) === undefined,
    LIMIT_MS,
  );
  expect((await bench.object(deploymentPath("edge")))?.["metadata"].uid).toBe(before?.["metadata"].uid);
  expect(await bench.object(`${V1}/services/edge`)).toBeDefined();
  expect(await operator.metrics()).not.toContain('name="edge"');
  await bench.group("edge", (spec) => {
    spec["traffic"] = { replicas: 3 };
  });
  await until("it is taken over", async () => (await bench.status("edge"))["mode"] === "Normal", LIMIT_MS);
  await until(
    "the exporter is back",
    async () => (await bench.object(deploymentPath("edge-backup"))) !== undefined,
    LIMIT_MS,
  );
  const after = await bench.object(deploymentPath("edge"));
  expect(after?.["metadata"].uid).toBe(before?.["metadata"].uid);
  expect(after?.["metadata"].generation, "no new template").toBe(before?.["metadata"].generation);
});

test("a frozen budget whose group was deleted while Holdfast was down is thawed by its next start", async () => {
  const budgets = `/apis/policy/v1/namespaces/${NAMESPACE}/poddisruptionbudgets`;
  const frozen = (name: string, annotations: object) => ({
    metadata: { name, labels: { "holdfast.dev/group": name, "holdfast.dev/role": "traffic" }, annotations },
    spec: { maxUnavailable: 0, selector: { matchLabels: { "holdfast.dev/group": name } } },
  });
  await operator.process.stop();
  await bench.api.call("POST", budgets, frozen("left", { "holdfast.dev/unfrozen-max-unavailable": "10%" }));
  await bench.api.call("POST", budgets, frozen("meant", {})); // a person wants 0
  await operator.process.start();
  const limit = async (name: string) => (await bench.object(`${budgets}/${name}`))?.["spec"].maxUnavailable;
  await until("it is thawed", async () => (await limit("left")) === "10%", LIMIT_MS);
  await untilQuiet(bench, 3_000);
  expect(await limit("meant")).toBe(0);
  expect((await bench.object(`${budgets}/left`))?.["metadata"].annotations ?? {}).toEqual({});
});

test("no secret shows anywhere", async () => {
  const { body: configMaps } = await bench.api.call("GET", `${V1}/configmaps`);
  const { body: events } = await bench.api.call("GET", `/apis/events.k8s.io/v1/namespaces/${NAMESPACE}/events`);
  const { body: groups } = await bench.api.call("GET", groupPath("").slice(0, -1));
  const everything = JSON.stringify([configMaps, events, groups, operator.log(), await operator.metrics()]);
  for (const { secretAccessKey } of Object.values(bench.s3.keys)) expect(everything).not.toContain(secretAccessKey);
  expect(everything).not.toContain("canary-keyring-never-shown");
  expect(everything).not.toContain("PRIVATE KEY");
});
