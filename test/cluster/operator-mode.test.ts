/** The mode on a real API server: recorded first, moved by evidence, held by doubt; and leaders that come and go. */
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
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
import { podsOf, rehearse, serveAll, witness } from "./operator-kubelet.ts";

let bench: Bench;
let operator: OperatorProcess;

beforeAll(async () => {
  bench = await startBench();
  operator = await bench.startOperator();
});
afterAll(async () => {
  await bench?.stop();
});
beforeEach(async () => {
  await bench.dpManager.up();
  bench.dpManager.counts = { routes: 3, services: 1 };
});

const leads = async (process: OperatorProcess) => (await process.metrics()).includes("\nholdfast_leader 1");
const mode = async (group: string) => (await bench.status(group))["mode"];
const published = async (group: string) =>
  JSON.parse((await bench.object(`${V1}/configmaps/${group}-start`))?.["data"]["start.json"]);

const isServing = (pod: Loose) =>
  !pod["metadata"].deletionTimestamp &&
  pod["status"].conditions?.some((one: Loose) => one["type"] === "Ready" && one["status"] === "True");

async function provenGroup(name: string, pods: "serve" | "pending"): Promise<void> {
  await bench.group(name, (spec) => {
    spec["fallback"].recovery = { afterSeconds: 5 };
  });
  await bench.exportSnapshot(name, 3);
  await until(
    `${name} is proven`,
    async () => {
      if (pods === "serve") await serveAll(bench, name);
      for (const pod of await podsOf(bench, name, "rehearsal")) {
        if (pod["status"].phase === "Pending") await rehearse(bench, pod, { routes: 3, services: 1, upstreams: 0 });
      }
      return (await condition(bench, name, "FallbackReady"))?.["reason"] === "Proven";
    },
    LIMIT_MS,
  );
  await untilQuiet(bench, 3_000);
}

test("nothing serves and the control plane is gone: recorded, then published; back when it has returned", async () => {
  await provenGroup("alone", "pending");
  const before = bench.writes().length;
  await bench.dpManager.down();
  await until("it is in fallback", async () => (await mode("alone")) === "Fallback", LIMIT_MS);
  await until("it is published", async () => (await published("alone")).mode !== "Normal", LIMIT_MS);
  const writes = bench
    .writes()
    .slice(before)
    .filter((write) => write.name.startsWith("alone"));
  const recorded = writes.findIndex((write) => write.resource === "gatewaygroups/status");
  const acted = writes.findIndex((write) => write.resource === "configmaps");
  expect(recorded, "the mode is recorded before it is acted on").toBeLessThan(acted);
  expect((await bench.status("alone"))["history"][0]["evidence"]).toContain("Holdfast sees down");
  expect(await condition(bench, "alone", "FallbackActive")).toMatchObject({ status: "True" });
  const metrics = await operator.metrics();
  expect(metrics).toMatch(/holdfast_mode_changes_total\{.*from="Normal",to="ToFallback"/);
  expect(metrics).toContain('holdfast_group_mode{namespace="gateways",name="alone",mode="Fallback"} 1');
  await serveAll(bench, "alone", "fallback");
  bench.dpManager.counts = {};
  await bench.dpManager.up();
  await becomes(bench, "alone", "ControlPlaneRegressed", "True", "Regressed");
  expect(await mode("alone"), "an emptied control plane is none to return to").toBe("Fallback");
  bench.dpManager.counts = { routes: 3, services: 1 };
  const canaries = () => podsOf(bench, "alone", "canary");
  await until("a canary tries the control plane", async () => (await canaries()).length === 1, LIMIT_MS);
  await rehearse(bench, (await canaries())[0] as Loose, { routes: 3, services: 1, upstreams: 0 });
  let least = 2;
  await until(
    "it is back",
    async () => {
      await serveAll(bench, "alone", "normal");
      least = Math.min(least, (await podsOf(bench, "alone", "traffic")).filter(isServing).length);
      return (await mode("alone")) === "Normal";
    },
    LIMIT_MS,
  );
  expect(least, "the return takes nothing away before its successor serves").toBe(2);
  expect((await bench.status("alone"))["traffic"]).toMatchObject({ fromSnapshot: 0, fromControlPlane: 2 });
  await bench.api.call("DELETE", groupPath("alone"));
});

test("pods serve and nobody can be asked: nothing moves, and it is said why", async () => {
  await provenGroup("mute", "serve");
  await bench.dpManager.down();
  await becomes(bench, "mute", "ControlPlaneReachable", "Unknown", "WitnessesMissing");
  await wait(8_000); // longer than outageAfterSeconds
  expect(await mode("mute")).toBe("Normal");
  expect((await bench.object(deploymentPath("mute")))?.["spec"].replicas).toBe(2);
  await bench.dpManager.up();
  await becomes(bench, "mute", "ControlPlaneReachable", "True", "ControlPlaneAnswers");
});

test("a dead database behind a living front: told at once, recorded when witness pods have confirmed it", async () => {
  bench.dpManager.counts = undefined;
  await becomes(bench, "mute", "ControlPlaneReachable", "Unknown", "DatabaseDoubted");
  const asked = async () =>
    (await podsOf(bench, "mute", "witness")).filter(({ status }) => !["Succeeded", "Failed"].includes(status.phase));
  await until("witness pods are asked", async () => (await asked()).length > 0, LIMIT_MS);
  expect(await mode("mute"), "on Holdfast's word alone").toBe("Normal");
  const answer = async () => {
    for (const pod of await asked()) await witness(bench, pod, { version: "ok", read: "serverError" });
  };
  await answer();
  await becomes(bench, "mute", "ControlPlaneReachable", "False", "DatabaseDown");
  await until(
    "it is in fallback",
    async () => {
      await answer();
      return (await mode("mute")) !== "Normal";
    },
    LIMIT_MS,
  );
  bench.dpManager.counts = { routes: 3, services: 1 };
});

test("a leader that is killed is followed by another, and a leader that stops hands over at once", async () => {
  const second = await bench.startOperator("second");
  expect(await second.ready(), "one that waits for leadership is ready").toBe(true);
  expect(await leads(second)).toBe(false);
  await operator.process.kill();
  await until("the second leads", async () => await leads(second), LIMIT_MS);
  await operator.process.start();
  await second.process.stop();
  expect(second.process.ended()).toContain("ended with 0");
  expect(second.log().some((line) => line["msg"] === "leadership released")).toBe(true);
  await until("the first leads again", async () => await leads(operator), LIMIT_MS);
});

test("a leader that was frozen past its lease writes nothing when it wakes, and ends", async () => {
  const second = await bench.startOperator("third");
  operator.process.freeze();
  await until("another leads", async () => await leads(second), LIMIT_MS);
  operator.process.resume();
  await until("the frozen one ended", () => operator.process.ended() !== undefined, LIMIT_MS);
  expect(operator.process.ended()).toContain("ended with 1");
  await second.process.stop();
  await operator.process.start();
});

test("wrong storage keys are told with the way out, touch nothing, and heal without a restart", async () => {
  const before = await bench.object(deploymentPath("mute"));
  const path = `${V1}/secrets/store-operator`;
  const good = (await bench.object(path))?.["data"];
  await merge(bench, path, { data: { secretAccessKey: Buffer.from("wrong-wrong-wrong").toString("base64") } });
  const storage = async () =>
    (await bench.object(`/apis/holdfast.dev/v1alpha1/namespaces/${NAMESPACE}/fallbackstorages/store`))?.["status"];
  const ready = async () => (await storage()).conditions.find((one: Loose) => one["type"] === "Ready");
  await until("it is told", async () => (await ready()).reason === "StorageDenied", LIMIT_MS);
  await merge(bench, path, { data: good });
  await until("it is healed", async () => (await ready()).status === "True", LIMIT_MS);
  const after = await bench.object(deploymentPath("mute"));
  expect(after?.["metadata"].generation).toBe(before?.["metadata"].generation);
});

test("a pod template that the cluster refuses is told before the roll, and nothing rolls", async () => {
  await bench.group("strict");
  await until("it exists", async () => (await bench.object(deploymentPath("strict"))) !== undefined, LIMIT_MS);
  await until(
    "its pods serve",
    async () => {
      await serveAll(bench, "strict");
      return (await condition(bench, "strict", "Ready"))?.["status"] === "True";
    },
    LIMIT_MS,
  );
  const before = await bench.object(deploymentPath("strict"));
  const label = (value: string | null) =>
    merge(bench, V1, { metadata: { labels: { "pod-security.kubernetes.io/enforce": value } } });
  await label("baseline");
  await bench.group("strict", (spec) => {
    spec["traffic"] = { podTemplate: { spec: { volumes: [{ name: "host", hostPath: { path: "/" } }] } } };
  });
  await becomes(bench, "strict", "Stalled", "True", "PodsRefused");
  expect((await condition(bench, "strict", "Stalled"))?.["message"]).toContain("hostPath");
  const during = await bench.object(deploymentPath("strict"));
  expect(during?.["metadata"].generation).toBe(before?.["metadata"].generation);
  await bench.group("strict", (spec) => {
    spec["traffic"] = {};
  });
  await becomes(bench, "strict", "Stalled", "False", "Accepted");
  await label(null);
});
