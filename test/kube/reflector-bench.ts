/** An informer on a stub that keeps ConfigMaps by their colour: the set-up of the tests reflector-*.test.ts. */
import { KubeClient } from "../../operator/kube/client.ts";
import { Informer, type InformerOptions } from "../../operator/kube/informer.ts";
import type { ReflectorTimes } from "../../operator/kube/reflector.ts";
import { type ConfigMap, configMaps } from "../../operator/kube/resources.ts";
import { openGate } from "../../operator/kube/write-gate.ts";
import { createLog } from "../../operator/log.ts";
import { cleanUp } from "./clean-up.ts";
import { FakeClock, until } from "./fake-clock.ts";
import { StubServer } from "./stub-server.ts";
import { StubWorld } from "./stub-world.ts";

type Note = { color: string };
type Options = Partial<InformerOptions<ConfigMap, Note>> & { times?: Partial<ReflectorTimes> };

export async function bench(options: Options = {}) {
  const clock = new FakeClock();
  const world = new StubWorld();
  const server = await StubServer.start({ answer: world.answer });
  const client = KubeClient.create({ config: { from: "file", path: server.writeConfig() }, gate: openGate, clock });
  const changes: string[] = [];
  const logs: string[] = [];
  const informer = new Informer<ConfigMap, Note>({
    client,
    resource: configMaps,
    project: (object) => ({ color: object.data?.["color"] ?? "" }),
    indexers: { color: (entry) => [entry.value.color] },
    onChange: (key, before, after) => changes.push(`${key} ${before?.value.color ?? "-"}>${after?.value.color ?? "-"}`),
    clock,
    log: createLog({ write: (line) => logs.push(line), level: "debug" }),
    ...options,
  });
  const stop = new AbortController();
  let running: Promise<void> | undefined;
  const start = async () => {
    running = informer.run(stop.signal);
    // Two timers, silence limit and next list: the client, too, has the answer's headers.
    await until("the watch open", () => world.openWatches === 1 && clock.armed === 2);
  };
  cleanUp.push(async () => {
    stop.abort();
    await running;
    await client.close();
    await server.close();
  });
  /** Turns the clock in small steps until it has come about, so that back-offs pass and nothing longer does. */
  const eventually = async (what: string, condition: () => boolean, limitMs = 40_000) => {
    for (let passedMs = 0; passedMs < limitMs && !condition(); passedMs += 250) {
      await clock.advance(250);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await until(what, condition, 2_000);
  };
  const paint = (name: string, color: string, uid?: string) => world.set(name, { data: { color } }, uid);
  const cached = () => Object.fromEntries([...informer.store.values()].map((entry) => [entry.key, entry.value.color]));
  const actual = () =>
    Object.fromEntries([...world.objects].map(([key, object]) => [key, (object as ConfigMap).data?.["color"]]));
  const same = () =>
    JSON.stringify(Object.entries(cached()).sort()) === JSON.stringify(Object.entries(actual()).sort());
  return { clock, world, server, client, informer, changes, logs, stop, start, eventually, paint, cached, same };
}

export const event = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;
export const configMap = (name: string, version: number) => ({
  metadata: { name, namespace: "a", uid: `uid-${name}`, resourceVersion: String(version) },
  data: { color: "ghost" },
});
