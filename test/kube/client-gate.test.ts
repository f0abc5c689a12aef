/** No write passes a closed gate, whatever it was waiting for. */
import { expect, test } from "vitest";
import { deployments, pods } from "../../operator/kube/resources.ts";
import { gateClosed, openGate, type WriteGate } from "../../operator/kube/write-gate.ts";
import { selfSigned } from "./certificates.ts";
import { bench, failure, gateways, seen } from "./client-bench.ts";
import { settle, until } from "./fake-clock.ts";
import { fault } from "./stub-exchange.ts";

function switchGate() {
  let open = true;
  const inFlight = new AbortController();
  const gate: WriteGate = {
    isOpen: () => open,
    enter: (what) => {
      if (!open) throw gateClosed(what, "closed by the test");
      return inFlight.signal;
    },
  };
  /** `aborts` false: closed by its clock, and the timer that aborts has not fired yet. */
  const close = (aborts: boolean) => {
    open = false;
    if (aborts) inFlight.abort();
  };
  return { gate, close };
}

test("a closed gate lets reads pass and sends no write", async () => {
  const { gate, close } = switchGate();
  const { client, server, calls } = await bench({ gate });
  close(true);
  await client.get(pods, "a", "b");
  const writes = [
    client.create(pods, { metadata: { name: "b", namespace: "a" } }),
    client.apply(
      deployments,
      { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "b", namespace: "a" } },
      { fieldManager: "f" },
    ),
    client.replaceStatus(gateways, seen, {}),
    client.updateScale(deployments, seen, 1),
    client.mergePatch(pods, seen, {}),
    client.jsonPatch(pods, seen, []),
    client.delete(pods, "a", "b", { uid: "u" }),
  ];
  for (const write of writes) expect((await failure(write)).fault).toBe("GateClosed");
  expect(server.requests.length).toBe(1);
  expect(calls.filter((call) => call.endsWith("true")).length).toBe(7);
});

test("a gate that closes cuts off the write under way", async () => {
  const { gate, close } = switchGate();
  const { client, server } = await bench({ gate });
  server.next("any", fault.hang);
  const failing = failure(client.updateScale(deployments, seen, 1));
  await until("the write at the server", () => server.requests.length === 1);
  close(true);
  expect((await failing).fault).toBe("GateClosed");
  await until("the connection cut", () => server.openConnections === 0);
});

test("a write that waited for a connection is not sent when the gate closed meanwhile, before any timer fired", async () => {
  const { gate, close } = switchGate();
  const { client, server, clock } = await bench({ gate, tls: selfSigned() });
  server.next("any", fault.hang);
  const held = failure(client.get(pods, "a", "held")); // keeps the one connection busy: a write needs a second
  await until("the held call at the server", () => server.requests.length === 1);
  const failing = failure(client.updateScale(deployments, seen, 1));
  await Promise.resolve();
  close(false);
  expect((await failing).fault).toBe("GateClosed");
  await until("the second connection", () => server.connections === 2);
  await settle();
  expect(server.requests.length).toBe(1);
  await clock.advance(10_000);
  await held;
});

test("withGate shares the connections and not the gate", async () => {
  const { gate, close } = switchGate();
  const { client, server } = await bench({ gate });
  close(true);
  await client.withGate(openGate).updateScale(deployments, seen, 1);
  await client.get(pods, "a", "b");
  expect(server.connections).toBe(1);
});
