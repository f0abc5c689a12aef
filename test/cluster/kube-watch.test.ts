/** List-watch and election on a control plane of their own, whose API server is killed, frozen, and started again. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { KubeClient } from "../../operator/kube/client.ts";
import { systemClock } from "../../operator/kube/clock.ts";
import { errorFromStatus, KubeError } from "../../operator/kube/errors.ts";
import { Informer } from "../../operator/kube/informer.ts";
import { LeaderElector } from "../../operator/kube/lease.ts";
import { waitForApiServer } from "../../operator/kube/process.ts";
import { configMaps, leases, namespaces } from "../../operator/kube/resources.ts";
import { openGate } from "../../operator/kube/write-gate.ts";
import { createLog } from "../../operator/log.ts";
import { type ControlPlane, startControlPlane } from "../lab/control-plane.ts";
import { until } from "../lab/process.ts";

const NAMESPACE = "kube-watch";
const LIMIT_MS = 60_000; // generous: the machine may be busy; what is meant takes seconds

let controlPlane: ControlPlane;
let client: KubeClient;
const logs: string[] = [];
const log = createLog({ write: (line) => logs.push(line) });

beforeAll(async () => {
  const apiServerFlags = ["--etcd-compaction-interval=2s"]; // 5 minutes by default: too long for a test of 410
  controlPlane = await startControlPlane({ controllerManager: false, apiServerFlags });
  client = KubeClient.create({ config: { from: "file", path: controlPlane.kubeconfigPath }, gate: openGate });
  await client.create(namespaces, { metadata: { name: NAMESPACE } });
});
afterAll(async () => {
  await client.close();
  await controlPlane.stop();
});

function colors(times = {}) {
  const own = KubeClient.create({ config: { from: "file", path: controlPlane.kubeconfigPath }, gate: openGate });
  const stop = new AbortController();
  const informer = new Informer({
    client: own,
    resource: configMaps,
    namespaces: [NAMESPACE],
    labelSelector: "color",
    project: (object) => object.metadata.labels?.["color"] ?? "",
    onChange: () => undefined,
    clock: systemClock,
    log,
    times: { backoffCapMs: 1_000, ...times },
  });
  const running = informer.run(stop.signal);
  const cached = () => Object.fromEntries([...informer.store.values()].map((entry) => [entry.name, entry.value]));
  const end = async () => {
    stop.abort();
    await running;
    await own.close();
  };
  return { informer, cached, end };
}

const paint = (name: string, color: string) =>
  client.create(configMaps, { metadata: { name, namespace: NAMESPACE, labels: { color } } });

async function remove(name: string): Promise<void> {
  const object = await client.get(configMaps, NAMESPACE, name);
  await client.delete(configMaps, NAMESPACE, name, { uid: object?.metadata.uid ?? "" });
}

test("changes arrive; an object that loses the label leaves; the API server's restart is survived", async () => {
  await paint("one", "red");
  const { informer, cached, end } = colors();
  try {
    await until("synced", () => informer.synced(), LIMIT_MS);
    expect(cached()).toEqual({ one: "red" });
    const two = await paint("two", "blue");
    await until("two", () => cached()["two"] === "blue", LIMIT_MS);
    const { uid = "", resourceVersion = "" } = two.metadata;
    const seen = { name: "two", namespace: NAMESPACE, uid, resourceVersion };
    await client.mergePatch(configMaps, seen, { metadata: { labels: { color: null } } });
    await until("two out", () => !("two" in cached()), LIMIT_MS);

    await controlPlane.apiServer.kill();
    await until("the watch knows", () => informer.health()[0]?.lastError !== undefined, LIMIT_MS);
    expect(cached()).toEqual({ one: "red" }); // unknown is not gone
    await controlPlane.apiServer.start();
    expect(await waitForApiServer(client, systemClock, log, AbortSignal.timeout(LIMIT_MS))).toBe(true);
    await remove("one");
    await paint("three", "green");
    await until("caught up", () => JSON.stringify(cached()) === '{"three":"green"}', LIMIT_MS);
  } finally {
    await end();
  }
});

test("an API server that hangs with its connections open is noticed by silence, and caught up with", async () => {
  const { informer, cached, end } = colors({ silenceMs: 2_000 });
  try {
    await until("synced", () => informer.synced(), LIMIT_MS);
    controlPlane.apiServer.freeze();
    await until("the watch knows", () => informer.health()[0]?.lastError !== undefined, LIMIT_MS);
    expect(informer.staleForMs()).toBeGreaterThan(1_900);
    controlPlane.apiServer.resume();
    await paint("four", "white");
    await until("four", () => cached()["four"] === "white", LIMIT_MS);
  } finally {
    controlPlane.apiServer.resume();
    await end();
  }
});

test("a version that history no longer holds is Gone, as an answer or inside the stream", async () => {
  const { resourceVersion } = await client.list(configMaps);
  let written = 0;
  const first = async (): Promise<string> => {
    const body = await client.watch(configMaps, { resourceVersion, timeoutSeconds: 1 });
    for await (const chunk of body) {
      const { type, object } = JSON.parse(Buffer.from(chunk).toString().split("\n")[0] ?? "");
      return type === "ERROR" ? errorFromStatus("watch", object).fault : type;
    }
    return "nothing";
  };
  const isGone = async () => {
    written += 1; // history moves on with writes only
    await paint(`history-${written}`, "grey");
    // The server's watch cache would still know; a server that has just started does not.
    if (written % 5 === 0) {
      await controlPlane.apiServer.kill();
      await controlPlane.apiServer.start();
      await waitForApiServer(client, systemClock, log, AbortSignal.timeout(LIMIT_MS));
    }
    const outcome = await first().catch((error: unknown) => (error instanceof KubeError ? error.fault : String(error)));
    return outcome === "Gone";
  };
  await until(
    "410",
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return await isGone();
    },
    LIMIT_MS,
  );
});

const times = { leaseDurationMs: 4_000, renewDeadlineMs: 3_000, retryPeriodMs: 500, gateMarginMs: 500 };
function candidate(identity: string, name: string) {
  const own = KubeClient.create({ config: { from: "file", path: controlPlane.kubeconfigPath }, gate: openGate });
  const elector = new LeaderElector({
    client: own,
    namespace: NAMESPACE,
    name,
    identity,
    clock: systemClock,
    log,
    times,
  });
  const stop = new AbortController();
  let leads = false;
  const run = () =>
    void elector.acquire(stop.signal).then((won) => {
      leads = won;
    });
  const end = async () => {
    stop.abort();
    await elector.stop();
    await own.close();
  };
  return { elector, run, end, leads: () => leads };
}

test("one of two leads; it releases, and the other leads at once", async () => {
  const [one, two] = [candidate("one", "handover"), candidate("two", "handover")];
  try {
    one.run();
    await until("one leads", one.leads, LIMIT_MS);
    two.run();
    await until("two has looked", () => two.elector.holder() === "one", LIMIT_MS);
    expect(two.leads()).toBe(false);
    await one.elector.release();
    const released = await client.get(leases, NAMESPACE, "handover");
    expect(["", "two"]).toContain(released?.spec?.holderIdentity ?? "");
    await until("two leads", two.leads, LIMIT_MS);
    expect(one.elector.gate.isOpen()).toBe(false);
    expect(one.elector.lost.aborted).toBe(false);
    const lease = await client.get(leases, NAMESPACE, "handover");
    expect(lease?.spec).toMatchObject({ holderIdentity: "two", leaseTransitions: 1 });
  } finally {
    await one.end();
    await two.end();
  }
});

test("a leader that dies silently is followed when its lease has run out", async () => {
  const [one, two] = [candidate("one", "death"), candidate("two", "death")];
  try {
    one.run();
    await until("one leads", one.leads, LIMIT_MS);
    two.run();
    await one.elector.stop();
    await until("two leads", two.leads, LIMIT_MS);
  } finally {
    await one.end();
    await two.end();
  }
});

test("an API server that hangs costs the leader its lease: the gate is closed before it is lost", async () => {
  const one = candidate("one", "frozen");
  try {
    one.run();
    await until("one leads", one.leads, LIMIT_MS);
    let openWhenLost: boolean | undefined;
    one.elector.lost.addEventListener("abort", () => {
      openWhenLost = one.elector.gate.isOpen();
    });
    const frozenMs = performance.now();
    controlPlane.apiServer.freeze();
    await until("the gate closed", () => !one.elector.gate.isOpen(), LIMIT_MS);
    expect(one.elector.lost.aborted).toBe(false);
    await until("lost", () => one.elector.lost.aborted, LIMIT_MS);
    expect(openWhenLost).toBe(false);
    // 3 s are meant. New connections are accepted by the kernel and hang: no renewal may wait out their 10 s.
    expect(performance.now() - frozenMs).toBeLessThan(9_000);
  } finally {
    controlPlane.apiServer.resume();
    await one.end();
  }
});
