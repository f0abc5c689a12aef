import { expect, test } from "vitest";
import { KubeClient } from "../operator/kube/client.ts";
import { openGate } from "../operator/kube/write-gate.ts";
import { createLog } from "../operator/log.ts";
import { changeHandlers, makeInformers, oldestWatch, storesOf } from "../operator/watches.ts";
import { FakeClock } from "./kube/fake-clock.ts";
import { StubServer } from "./kube/stub-server.ts";
import { StubWorld } from "./kube/stub-world.ts";
import type { Loose } from "./observe/objects.ts";

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

test.for<[string, Loose | undefined, Loose | undefined, string[]]>([
  ["turned unready", ready("True"), ready("False"), ["uid-1"]],
  ["turned ready", ready("False"), ready("True"), ["uid-1"]],
  ["has a condition for the first time", {}, ready("True"), ["uid-1"]],
  ["changed in something else", ready("True"), { ...ready("True"), phase: "Running" }, []],
  ["came", undefined, ready("True"), []],
  ["went", ready("True"), undefined, []],
])(
  "a pod that %s: its gateway is asked now where its readiness changed, and its group looks again",
  ([, before, after, expected]) => {
    const asked: string[] = [];
    const woken: string[] = [];
    const never = () => undefined;
    const handlers = changeHandlers(
      {} as Loose,
      {} as Loose,
      (key) => woken.push(key),
      never,
      (uid) => asked.push(uid),
    );
    handlers.pods("gw/edge-1", entry(before), entry(after));
    expect([asked, woken]).toEqual([expected, ["gw/edge"]]);
  },
);

function ready(status: string): Loose {
  return { conditions: [{ type: "Ready", status }] };
}
function entry(status: Loose | undefined): Loose {
  if (status === undefined) return undefined;
  const metadata = { name: "edge-1", namespace: "gw", labels: { "holdfast.dev/group": "edge" } };
  return { key: "gw/edge-1", uid: "uid-1", value: { metadata, status } };
}
