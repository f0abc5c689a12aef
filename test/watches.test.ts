import { expect, test } from "vitest";
import { KubeClient } from "../operator/kube/client.ts";
import { openGate } from "../operator/kube/write-gate.ts";
import { createLog } from "../operator/log.ts";
import { makeInformers, oldestWatch, storesOf } from "../operator/watches.ts";
import { FakeClock } from "./kube/fake-clock.ts";
import { StubServer } from "./kube/stub-server.ts";
import { StubWorld } from "./kube/stub-world.ts";

test("facts are as old as the watch that was told nothing for the longest, of their own namespace alone", async () => {
  const clock = new FakeClock();
  const server = await StubServer.start({ answer: new StubWorld().answer });
  const client = KubeClient.create({ config: { from: "file", path: server.writeConfig() }, gate: openGate, clock });
  const log = createLog({ write: () => undefined });
  const informers = makeInformers({ client, clock, log, options: { namespaces: ["a", "b"] } }, () => () => undefined);
  try {
    expect(oldestWatch(informers, "a")).toEqual({ oldest: "GatewayGroup in a", staleForMs: Number.POSITIVE_INFINITY });
    for (const informer of Object.values(informers)) {
      informer.health = (namespace) => [
        { name: `X in ${namespace}`, synced: true, refused: false, staleForMs: 5, lastError: undefined },
      ];
    }
    expect(oldestWatch(informers, "b")).toEqual({ oldest: "X in b", staleForMs: 5 });
    informers.pods.health = () => [
      { name: "Pod in b", synced: true, refused: false, staleForMs: 80_000, lastError: undefined },
    ];
    expect(oldestWatch(informers, "b")).toEqual({ oldest: "Pod in b", staleForMs: 80_000 });
    expect(Object.keys(storesOf(informers))).toEqual(Object.keys(informers));
  } finally {
    await client.close();
    await server.close();
  }
});
