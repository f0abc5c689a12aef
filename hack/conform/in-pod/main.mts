/**
 * What the conformance run has inside of its namespace, with Holdfast's image: `node main.mts all` is the relay to the
 * control plane, the store and the asker; `node main.mts ask` asks 127.0.0.1 of the pod that it is in. Orders come as JSON on
 * port 7999 with the token of the run, through the API server's pod proxy.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { ask, type Question, Watch } from "./asker.mts";
import { Relay, type RelayMode } from "./relay.mts";
import { Store } from "./store.mts";

export type Order =
  | { do: "now" }
  | { do: "ask"; question: Question }
  | { do: "watch"; name: string; question: Question; intervalMs: number }
  | { do: "tally"; name: string; stop?: boolean }
  | { do: "relay"; port: number; mode: RelayMode }
  | { do: "relayRows"; sinceMs: number }
  | { do: "version" }
  | { do: "count"; prefix: string }
  | { do: "storeRows" }
  | { do: "get"; bucket: string; key: string }
  | { do: "put"; bucket: string; key: string; body: string };

const ORDERS_PORT = 7999;
const STORE_PORT = 7070;
const { env } = process;
const watches = new Map<string, Watch>();

function parts(): { relay: Relay; store: Store } {
  const read = (path: string): string => readFileSync(path, "utf8");
  const optional = (path: string): string | undefined => {
    try {
      return read(path);
    } catch {
      return undefined;
    }
  };
  const ca = optional("/control-plane/ca.crt");
  const serverName = env["CONFORMANCE_SERVER_NAME"];
  const relay = new Relay(
    { cert: read("/relay/tls.crt"), key: read("/relay/tls.key") },
    {
      endpoint: env["CONFORMANCE_ENDPOINT"] ?? "",
      cert: read("/control-plane/tls.crt"),
      key: read("/control-plane/tls.key"),
      ...(ca === undefined ? {} : { ca }),
      ...(serverName === undefined ? {} : { serverName }),
    },
  );
  return { relay, store: new Store(env["CONFORMANCE_ACCESS_KEY"] ?? "") };
}

const all = process.argv.includes("all") ? parts() : undefined;
await all?.store.listen(STORE_PORT);

async function carryOut(order: Order): Promise<unknown> {
  switch (order.do) {
    case "now":
      return Date.now();
    case "ask":
      return ask(order.question);
    case "watch":
      watches.get(order.name)?.stop();
      watches.set(order.name, new Watch(order.question, order.intervalMs));
      return null;
    case "tally":
      if (order.stop === true) watches.get(order.name)?.stop();
      return watches.get(order.name)?.rows ?? [];
    default:
      break;
  }
  if (all === undefined) throw new Error("this one only asks");
  const { relay, store } = all;
  switch (order.do) {
    case "relay":
      return (await relay.set(order.port, order.mode)) ?? null;
    case "relayRows":
      return relay.rows.filter(({ atMs }) => atMs >= order.sinceMs);
    case "version":
      return relay.version();
    case "count":
      return (await relay.count(order.prefix)) ?? null;
    case "storeRows":
      return store.rows;
    case "get":
      return store.get(order.bucket, order.key) ?? null;
    case "put":
      return store.put(order.bucket, order.key, order.body) ?? null;
    default:
      return order satisfies never;
  }
}

createServer((request, response) => {
  const end = (status: number, value: unknown): void => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
  if (request.url === "/ready") return end(200, "ok");
  if (request.headers["x-conformance-token"] !== env["CONFORMANCE_TOKEN"]) return end(403, "no token");
  void (async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    return carryOut(JSON.parse(Buffer.concat(chunks).toString()) as Order);
  })().then(
    (value) => end(200, value ?? null),
    (error: Error) => end(500, error.message),
  );
}).listen(ORDERS_PORT);

for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => process.exit(0));
