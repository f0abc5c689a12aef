/** A client on a stub that answers as asked: the set-up of the tests client-*.test.ts. */
import { KubeClient } from "../../operator/kube/client.ts";
import { KubeError } from "../../operator/kube/errors.ts";
import { defineResource } from "../../operator/kube/resources.ts";
import { openGate, type WriteGate } from "../../operator/kube/write-gate.ts";
import { cleanUp } from "./clean-up.ts";
import { FakeClock } from "./fake-clock.ts";
import type { Exchange } from "./stub-exchange.ts";
import { type StubOptions, StubServer } from "./stub-server.ts";

export const echo = (exchange: Exchange) =>
  exchange.json(200, { kind: "Pod", metadata: { name: "x", resourceVersion: "7" }, items: [] });

export async function bench(options: Partial<StubOptions> & { gate?: WriteGate } = {}) {
  const clock = new FakeClock();
  const server = await StubServer.start({ answer: echo, ...options });
  const calls: string[] = [];
  const client = KubeClient.create({
    config: { from: "file", path: server.writeConfig() },
    gate: options.gate ?? openGate,
    clock,
    observer: {
      callEnded: (verb, resource, code, _ms, mutating) => calls.push(`${verb} ${resource} ${code} ${mutating}`),
    },
  });
  cleanUp.push(
    () => server.close(),
    () => client.close(),
  );
  return { clock, server, client, calls };
}

export async function failure(promise: Promise<unknown>): Promise<KubeError> {
  const error = await promise.then(
    (value) => new Error(`succeeded with ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (error instanceof KubeError) return error;
  throw error;
}

/** What was seen of an object before it is written. */
export const seen = { namespace: "a", name: "b", resourceVersion: "5", uid: "u" };

export const gateways = defineResource("holdfast.dev/v1alpha1", "GatewayGroup", "gatewaygroups");
