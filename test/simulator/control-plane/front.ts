import http from "node:http";
import https from "node:https";
import net, { type AddressInfo, type Socket } from "node:net";
import { Transform } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../log.ts";
import { Gate, type LastingFault } from "./faults.ts";
import { HeartbeatReport, type License } from "./license.ts";

const BODY_MAX_BYTES = 1024 * 1024;
/** All that a data plane may ask of the store: nothing that writes. */
const READS = new Set(["/v3/kv/range", "/v3/watch"]);

export interface FrontOptions {
  readonly ip: string;
  readonly port: number;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly etcdUrl: string;
  readonly license: License;
  /** The control plane's own version: it refuses heartbeats of gateways that are newer. */
  readonly version: string;
  readonly config: () => { readonly config_version: number; readonly config_payload: object };
  readonly log: Log;
}

/** The mTLS door of the dp-manager: /version, the reading half of the etcd v3 JSON gateway, /api/dataplane/heartbeat. */
export class Front {
  port = 0;
  private fault: LastingFault = { mode: "none" };
  private door: net.Server | undefined;
  private readonly frozen = new Gate();
  private readonly storeHangs = new Gate();
  private readonly sockets = new Set<Socket>();
  private readonly watches = new Set<http.ClientRequest>();
  private readonly server: https.Server;
  private readonly etcdAgent = new http.Agent({ keepAlive: true });
  private readonly options: FrontOptions;

  constructor(options: FrontOptions) {
    this.options = options;
    // A client without our certificate does not get past the handshake.
    const tls = { ...options.tls, requestCert: true, rejectUnauthorized: true };
    this.server = https.createServer({ ...tls, keepAliveTimeout: 120_000, requestTimeout: 0 }, (request, response) => {
      void this.answer(request, response).catch((error: Error) => {
        options.log.warn("request failed", { path: request.url, error: error.message });
        reply(response, 503, { error: "the store does not answer", code: 14 });
      });
    });
  }

  async open(): Promise<void> {
    // TCP is accepted here and TLS is spoken behind, so that a frozen front accepts and then says nothing at all.
    const door = net.createServer({ pauseOnConnect: true }, (socket) => void this.admit(socket));
    await new Promise<void>((resolve, reject) => {
      door.once("error", reject);
      door.listen(this.port || this.options.port, this.options.ip, resolve);
    });
    this.port = (door.address() as AddressInfo).port;
    this.door = door;
  }

  close(): Promise<void> {
    const { door } = this;
    this.door = undefined;
    for (const watch of this.watches) watch.destroy();
    for (const socket of this.sockets) socket.destroy();
    return new Promise((resolve) => (door === undefined ? resolve() : door.close(() => resolve())));
  }

  get currentFault(): LastingFault {
    return this.fault;
  }

  async setFault(fault: LastingFault): Promise<void> {
    this.fault = fault;
    if (fault.mode === "freeze") this.frozen.close();
    else this.frozen.open();
    const storeDead = fault.mode === "storeDead";
    if (storeDead && fault.how === "hang") this.storeHangs.close();
    else this.storeHangs.open();
    // With its store dead at once, a watch that is open breaks off; one that hangs stays open and silent.
    if ((storeDead && fault.how === "status") || fault.mode === "denied")
      for (const watch of this.watches) watch.destroy();
    if (fault.mode === "refuse") await this.close();
    else if (this.door === undefined) await this.open();
  }

  private async admit(socket: Socket): Promise<void> {
    this.sockets.add(socket);
    socket.on("close", () => this.sockets.delete(socket));
    socket.on("error", () => undefined);
    await this.frozen.pass();
    if (socket.destroyed) return;
    this.server.emit("connection", socket);
    socket.resume();
  }

  private async answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    await this.frozen.pass();
    if (this.fault.mode === "slow") await sleep(this.fault.ms);
    if (this.fault.mode === "denied") return reply(response, this.fault.status, { error: "permission denied" });
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    if (path === "/version") return reply(response, 200, { etcdserver: "3.5.16", etcdcluster: "3.5.0" });
    const heartbeat = path === "/api/dataplane/heartbeat";
    if (!heartbeat && !READS.has(path)) return reply(response, 403, { error: `${path} is not for a data plane` });
    // Where the database is dead, heartbeats cannot be stored either.
    await this.storeHangs.pass();
    if (this.fault.mode === "storeDead") return reply(response, 503, { error: "the store does not answer", code: 14 });
    const body = await readBody(request);
    if (heartbeat) this.heartbeat(body, response);
    else await this.toEtcd(path, body, response);
  }

  private heartbeat(body: string, response: http.ServerResponse): void {
    const report = HeartbeatReport.safeParse(parseJson(body));
    if (!report.success) {
      reply(response, 400, { error: "not a heartbeat" });
      return;
    }
    if (isNewer(report.data.version, this.options.version)) {
      reply(response, 403, { error: `gateway ${report.data.version} is newer than the control plane` });
      return;
    }
    this.options.license.record(report.data, Date.now());
    const { instance_id } = report.data;
    reply(response, 200, { gateway_group_id: "default", instance_id, config: this.options.config() });
  }

  private toEtcd(path: string, body: string, response: http.ServerResponse): Promise<void> {
    return new Promise((resolve, reject) => {
      const outgoing = http.request(
        this.options.etcdUrl + path,
        { method: "POST", agent: this.etcdAgent },
        (incoming) => {
          response.writeHead(incoming.statusCode ?? 503, { "content-type": "application/json" });
          incoming.pipe(this.throughGates()).pipe(response);
          incoming.on("error", () => response.destroy());
          incoming.on("close", () => {
            if (!incoming.complete) response.destroy();
            resolve();
          });
        },
      );
      if (path === "/v3/watch") this.watches.add(outgoing);
      outgoing.on("close", () => this.watches.delete(outgoing));
      outgoing.on("error", (error) => (response.headersSent ? response.destroy() : reject(error)));
      response.on("close", () => outgoing.destroy());
      outgoing.end(body);
    });
  }

  /** What flows while the front is frozen or its store hangs waits until that is over. */
  private throughGates(): Transform {
    const { frozen, storeHangs } = this;
    return new Transform({
      transform(chunk: Buffer, _encoding, done) {
        void (async () => {
          await frozen.pass();
          await storeHangs.pass();
          done(null, chunk);
        })();
      },
    });
  }
}

function reply(response: http.ServerResponse, status: number, body: object): void {
  if (response.headersSent || response.destroyed) return;
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

export async function readBody(request: http.IncomingMessage, maxBytes = BODY_MAX_BYTES): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > maxBytes) throw new Error("the body is too large");
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** From 3.9.2 the control plane refuses gateways newer than itself. */
function isNewer(version: string, than: string): boolean {
  return version.localeCompare(than, "en", { numeric: true }) > 0;
}
