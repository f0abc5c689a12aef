import http from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import { createLog } from "../log.ts";
import { SniCertificates } from "./certificates.ts";
import type { GatewayConfig, Role } from "./config.ts";
import { EtcdClient } from "./etcd-client.ts";
import { followFile } from "./file-provider.ts";
import { nginxTimeMs } from "./nginx-time.ts";
import { dropRoutes, emptyObjects, fromPlain, type Objects, type PlainObjects } from "./objects.ts";
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
export type ToWorker =
  | WorkerOrder
  | { readonly type: "connection"; readonly tls: boolean }
  /** The ports are open. */
  | { readonly type: "listening" }
  | { readonly type: "drain" };
export type FromWorker = { readonly type: "ready" } | { readonly type: "loaded" };

/** A worker process: holds its own configuration, answers the connections that the master hands to it. */
export function runWorker(): void {
  process.title = "gateway: worker process";
  const connections = new Connections();
  // Only the master decides when a worker ends: a signal to the whole group must not cut what is in flight.
  for (const signal of ["SIGINT", "SIGQUIT", "SIGHUP"] as const) process.on(signal, () => undefined);
  process.on("disconnect", () => process.exit(0));
  let onListening = (): void => undefined;
  process.on("message", (message: ToWorker, socket: Socket | undefined) => {
    if (message.type === "order") onListening = start(message, connections);
    else if (message.type === "listening") onListening();
    else if (message.type === "drain") connections.drain(() => process.exit(0));
    else if (socket !== undefined) connections.take(socket, message.tls);
  });
}

/** Returns what is left to do once the ports are open. */
function start(order: WorkerOrder, connections: Connections): () => void {
  const { config, settings, role } = order;
  const { differs } = settings;
  const proxy = new DataPath({ version: settings.version, pod: settings.exposePod ? settings.hostname : undefined });
  const log = createLog(`worker-${order.index}`);
  const certificates = new SniCertificates();
  let loaded = false;
  const use = (objects: Objects): void => {
    certificates.use(objects);
    proxy.use(dropRoutes(objects, settings.loadFewer));
    if (!loaded) tell({ type: "loaded" });
    loaded = true;
  };
  let onListening = (): void => undefined;
  connections.serve(proxy, certificates, nginxTimeMs(config.nginx_config.http.keepalive_timeout));
  if (role === "normal" && config.deployment.etcd !== undefined) {
    const { etcd } = config.deployment;
    const client = new EtcdClient(
      etcd,
      config.apisix.ssl.ssl_trusted_certificate,
      differs.includes("no-client-certificate"),
    );
    const forgets = differs.includes("forgets-in-outage");
    const sync = new ConfigSync({
      client,
      prefix: etcd.prefix,
      flavour: settings.flavour,
      log,
      onChange: use,
      forgets,
    });
    if (order.inherited !== undefined) sync.adopt(fromPlain(order.inherited.objects), order.inherited.revision);
    if (settings.loadAfterListen) onListening = () => void looksForMarkers(client).then(() => sync.follow());
    else void sync.follow();
  } else {
    followFile(
      order.resourceFile,
      role === "reader" && differs.includes("reader-serves-nothing") ? () => use(emptyObjects()) : use,
      log,
      differs,
    );
  }
  tell({ type: "ready" });
  return onListening;
}

/** A read in vain, of what would have been there before the port was open: the whole window is two answers long, as measured. */
const looksForMarkers = (client: EtcdClient): Promise<unknown> => client.range().catch(() => undefined);

function tell(message: FromWorker): void {
  process.send?.(message);
}

/** The client connections of one worker, with what is busy on them: needed to end gracefully. */
class Connections {
  private servers: { readonly plain: http.Server; readonly tls: https.Server } | undefined;
  private readonly busy = new Map<Socket, number>();
  private draining: (() => void) | undefined;

  serve(proxy: DataPath, certificates: SniCertificates, keepAliveMs: number): void {
    // 0 = no limit on the whole request: nginx's limits are per read. 1000 = nginx's keepalive_requests.
    const options = { keepAliveTimeout: keepAliveMs, requestTimeout: 0 };
    const listener = (request: http.IncomingMessage, response: http.ServerResponse): void => {
      const { socket } = request;
      this.busy.set(socket, (this.busy.get(socket) ?? 0) + 1);
      if (this.draining !== undefined) response.setHeader("Connection", "close");
      response.on("close", () => this.finished(socket));
      proxy.handle(request, response);
    };
    const plain = http.createServer(options, listener);
    const sni: https.ServerOptions["SNICallback"] = (name, done) => {
      const context = certificates.find(name);
      done(context === undefined ? new Error("no certificate for this name") : null, context);
    };
    const tls = https.createServer({ ...options, SNICallback: sni }, listener);
    tls.on("secureConnection", (socket) => this.watch(socket));
    for (const server of [plain, tls]) server.maxRequestsPerSocket = 1_000;
    this.servers = { plain, tls };
  }

  take(socket: Socket, tls: boolean): void {
    if (this.servers === undefined || this.draining !== undefined) {
      socket.destroy();
      return;
    }
    socket.setNoDelay(true);
    // Of a TLS connection the decrypted side is watched, from the end of its handshake.
    if (!tls) this.watch(socket);
    this.servers[tls ? "tls" : "plain"].emit("connection", socket);
    socket.resume();
  }

  /** Closes idle connections at once, the others after their answer; calls back when none is left. */
  drain(done: () => void): void {
    this.draining = done;
    for (const [socket, count] of this.busy) if (count === 0) socket.end(() => socket.destroy());
    this.endWhenIdle();
  }

  private watch(socket: Socket): void {
    this.busy.set(socket, 0);
    socket.on("close", () => {
      this.busy.delete(socket);
      this.endWhenIdle();
    });
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
