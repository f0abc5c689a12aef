import http from "node:http";
import type { Socket } from "node:net";
import { createLog } from "../log.ts";
import { type GatewayConfig, nginxTimeMs, type Role } from "./config.ts";
import { EtcdClient } from "./etcd-client.ts";
import { followFile } from "./file-provider.ts";
import { dropRoutes, fromPlain, type Objects, type PlainObjects } from "./objects.ts";
import { DataPath } from "./proxy.ts";
import type { Settings } from "./settings.ts";
import { ConfigSync } from "./sync.ts";

/** What the master gives a worker at its birth. Without `inherited` the worker starts empty. */
export interface WorkerOrder {
  readonly type: "order";
  readonly index: number;
  readonly role: Role;
  readonly config: GatewayConfig;
  readonly settings: Settings;
  readonly resourceFile: string;
  readonly inherited: { readonly objects: PlainObjects; readonly revision: number } | undefined;
}
export type ToWorker = WorkerOrder | { readonly type: "connection" } | { readonly type: "drain" };
export type FromWorker = { readonly type: "ready" } | { readonly type: "loaded" };

/** A worker process: holds its own configuration, answers the connections that the master hands to it. */
export function runWorker(): void {
  process.title = "gateway: worker process";
  const connections = new Connections();
  // Only the master decides when a worker ends: a signal to the whole group must not cut what is in flight.
  for (const signal of ["SIGINT", "SIGQUIT", "SIGHUP"] as const) process.on(signal, () => undefined);
  process.on("disconnect", () => process.exit(0));
  process.on("message", (message: ToWorker, socket: Socket | undefined) => {
    if (message.type === "order") start(message, connections);
    else if (message.type === "drain") connections.drain(() => process.exit(0));
    else if (socket !== undefined) connections.take(socket);
  });
}

function start(order: WorkerOrder, connections: Connections): void {
  const { config, settings, role } = order;
  const proxy = new DataPath({ version: settings.version, pod: settings.exposePod ? settings.hostname : undefined });
  const log = createLog(`worker-${order.index}`);
  let loaded = false;
  const use = (objects: Objects): void => {
    proxy.use(dropRoutes(objects, settings.loadFewer));
    if (!loaded) tell({ type: "loaded" });
    loaded = true;
  };
  connections.serve(proxy, nginxTimeMs(config.nginx_config.http.keepalive_timeout));
  if (role === "normal" && config.deployment.etcd !== undefined) {
    const { etcd } = config.deployment;
    const client = new EtcdClient(etcd, config.apisix.ssl.ssl_trusted_certificate);
    const sync = new ConfigSync({ client, prefix: etcd.prefix, flavour: settings.flavour, log, onChange: use });
    if (order.inherited !== undefined) sync.adopt(fromPlain(order.inherited.objects), order.inherited.revision);
    void sync.follow();
  } else {
    followFile(order.resourceFile, use, log);
  }
  tell({ type: "ready" });
}

function tell(message: FromWorker): void {
  process.send?.(message);
}

/** The client connections of one worker, with what is busy on them: needed to end gracefully. */
class Connections {
  private server: http.Server | undefined;
  private readonly busy = new Map<Socket, number>();
  private draining: (() => void) | undefined;

  serve(proxy: DataPath, keepAliveMs: number): void {
    // 0 = no limit on the whole request: nginx's limits are per read. 1000 = nginx's keepalive_requests.
    this.server = http.createServer({ keepAliveTimeout: keepAliveMs, requestTimeout: 0 }, (request, response) => {
      const { socket } = request;
      this.busy.set(socket, (this.busy.get(socket) ?? 0) + 1);
      if (this.draining !== undefined) response.setHeader("Connection", "close");
      response.on("close", () => this.finished(socket));
      proxy.handle(request, response);
    });
    this.server.maxRequestsPerSocket = 1_000;
  }

  take(socket: Socket): void {
    if (this.server === undefined || this.draining !== undefined) {
      socket.destroy();
      return;
    }
    this.busy.set(socket, 0);
    socket.on("close", () => {
      this.busy.delete(socket);
      this.endWhenIdle();
    });
    socket.setNoDelay(true);
    this.server.emit("connection", socket);
    socket.resume();
  }

  /** Closes idle connections at once, the others after their answer; calls back when none is left. */
  drain(done: () => void): void {
    this.draining = done;
    for (const [socket, count] of this.busy) if (count === 0) socket.end(() => socket.destroy());
    this.endWhenIdle();
  }

  private finished(socket: Socket): void {
    const count = this.busy.get(socket);
    if (count === undefined) return;
    this.busy.set(socket, count - 1);
    if (this.draining !== undefined && count <= 1) socket.end(() => socket.destroy());
  }

  private endWhenIdle(): void {
    if (this.draining !== undefined && this.busy.size === 0) this.draining();
  }
}
