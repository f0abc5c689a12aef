import { readFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createLog } from "../log.ts";
import { startAdmin } from "./admin.ts";
import { ControlPlane } from "./control-plane.ts";
import { SeedOrder } from "./data.ts";

const USAGE = `control-plane: a dp-manager for tests: mTLS front, heartbeats and license, over a real etcd.
  --tls-dir <dir>        holds tls.crt, tls.key and ca.crt (client certificates must be signed by it)   [required]
  --etcd <url>           an etcd that runs elsewhere, or
  --etcd-binary <path>   one to run as a child in --data-dir <dir> (it can be wiped)
  --seed-file <path>     JSON of POST /admin/routes, written when the store holds nothing
  --ip 0.0.0.0 --port 7943 --health-port 7900 --admin-port 7901 --version 3.10.0
`;

/** Resolves with the exit code after SIGTERM, SIGINT or SIGQUIT. */
export async function runControlPlane(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: {
      "tls-dir": text,
      etcd: text,
      "etcd-binary": text,
      "data-dir": text,
      "seed-file": text,
      version: text,
      ip: { ...text, default: "0.0.0.0" },
      port: { ...text, default: "7943" },
      "health-port": { ...text, default: "7900" },
      "admin-port": { ...text, default: "7901" },
    },
  });
  const log = createLog("control-plane");
  const tlsDir = values["tls-dir"];
  const binary = values["etcd-binary"] ?? env["SIM_ETCD_BINARY"];
  if (tlsDir === undefined || (values.etcd === undefined && binary === undefined)) {
    process.stderr.write(USAGE);
    return 2;
  }
  const pem = (name: string): string => readFileSync(join(tlsDir, name), "utf8");
  const controlPlane = await ControlPlane.start({
    ip: values.ip,
    port: Number(values.port),
    tls: { ca: pem("ca.crt"), cert: pem("tls.crt"), key: pem("tls.key") },
    etcd:
      values.etcd !== undefined
        ? { url: values.etcd }
        : { binary: binary ?? "", dataDir: values["data-dir"] ?? "/tmp" },
    ...(values.version === undefined ? {} : { version: values.version }),
    log,
  });
  const health = await startHealth(values.ip, Number(values["health-port"]));
  const admin = await startAdmin(controlPlane, { ip: values.ip, port: Number(values["admin-port"]), log });
  log.info("started", { ports: { front: controlPlane.port, health: health.port, admin: admin.port } });
  const stopped = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT", "SIGQUIT"] as const) process.once(signal, () => stopped.abort());
  if (values["seed-file"] !== undefined) await seedWhenEmpty(controlPlane, values["seed-file"], stopped.signal, log);
  if (!stopped.signal.aborted) await new Promise((resolve) => stopped.signal.addEventListener("abort", resolve));
  admin.close();
  health.close();
  await controlPlane.stop();
  return 0;
}

/** The etcd of another pod may come later than this one: it is asked until it answers. */
async function seedWhenEmpty(
  controlPlane: ControlPlane,
  path: string,
  signal: AbortSignal,
  log: ReturnType<typeof createLog>,
): Promise<void> {
  const order = SeedOrder.parse(JSON.parse(readFileSync(path, "utf8")));
  while (!signal.aborted) {
    try {
      if ((await controlPlane.data.count()) === 0) log.info("seeded", { objects: await controlPlane.seed(order) });
      return;
    } catch (error) {
      log.warn("cannot seed yet", { error: (error as Error).message });
      await sleep(500);
    }
  }
}

/** 7900 `/healthz`: says that the process lives, nothing about the database. */
async function startHealth(ip: string, port: number): Promise<{ port: number; close(): void }> {
  const server = http.createServer((request, response) => {
    response.writeHead(request.url === "/healthz" ? 200 : 404);
    response.end();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, ip, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}
