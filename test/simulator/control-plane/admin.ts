import http from "node:http";
import type { AddressInfo } from "node:net";
import type { Log } from "../log.ts";
import type { ControlPlane } from "./control-plane.ts";
import { ObjectLists, type SeedOrder } from "./data.ts";
import type { FaultOrder } from "./faults.ts";
import { parseJson, readBody } from "./front.ts";

const BODY_MAX_BYTES = 64 * 1024 * 1024;

type Answer = { status: number; body: unknown };
type Action = (controlPlane: ControlPlane, body: unknown, path: string) => Promise<Answer> | Answer;
const ok = (body: unknown): Answer => ({ status: 200, body });

/** The port for tests; nothing of it exists in the real product. Paths are matched by their beginning. */
const ACTIONS: readonly [method: string, path: string, action: Action][] = [
  ["GET", "/admin/license", (cp) => ok(cp.licenseView())],
  ["GET", "/admin/heartbeats", (cp) => ok(cp.heartbeats())],
  ["GET", "/admin/fault", (cp) => ok(cp.fault)],
  [
    "POST",
    "/admin/fault",
    async (cp, body) => {
      await cp.setFault(body as FaultOrder);
      return ok(cp.fault);
    },
  ],
  ["GET", "/admin/objects", async (cp) => ok({ count: await cp.data.count() })],
  ["POST", "/admin/routes", async (cp, body) => ok({ written: await cp.seed(body as SeedOrder) })],
  ["POST", "/admin/objects", async (cp, body) => ok({ written: await cp.put(ObjectLists.parse(body)) })],
  ["POST", "/admin/config", (cp) => ok({ config_version: cp.bumpConfig() })],
  [
    "DELETE",
    "/admin/objects/",
    async (cp, _body, path) => {
      const [kind = "", id = ""] = path.slice("/admin/objects/".length).split("/").map(decodeURIComponent);
      await cp.data.remove(kind, id);
      return ok({ removed: `${kind}/${id}` });
    },
  ],
];

export async function startAdmin(
  controlPlane: ControlPlane,
  options: { ip: string; port: number; log: Log },
): Promise<{ port: number; close(): void }> {
  const server = http.createServer((request, response) => {
    void (async () => {
      const { status, body } = await act(controlPlane, request);
      options.log.info("admin", { method: request.method, path: request.url, status });
      response.writeHead(status, { "content-type": "application/json" });
      response.end(`${JSON.stringify(body)}\n`);
    })();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.ip, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function act(controlPlane: ControlPlane, request: http.IncomingMessage): Promise<Answer> {
  const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
  const found = ACTIONS.find(
    ([method, known]) => method === request.method && (known.endsWith("/") ? path.startsWith(known) : path === known),
  );
  if (found === undefined) return { status: 404, body: { error: `no ${request.method} ${path}` } };
  try {
    return await found[2](controlPlane, parseJson(await readBody(request, BODY_MAX_BYTES)), path);
  } catch (error) {
    return { status: 400, body: { error: (error as Error).message } };
  }
}
