/** Stands between gateways and the control plane: hands each request on, notes who asked what, and breaks on order. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, request as ask, createServer, type Server } from "node:https";
import type { TLSSocket } from "node:tls";

/** open: as the control plane. cut: nobody listens. readsFail: 503 to reads. heartbeatsRefused: 403 to heartbeats. */
export type RelayMode = "open" | "cut" | "readsFail" | "heartbeatsRefused";

export interface RelayRow {
  atMs: number;
  port: number;
  ip: string;
  method: string;
  path: string;
  /** SHA-256 fingerprint of the client certificate. */
  certificate: string;
  /** `running_mode` of a heartbeat. */
  runningMode?: string;
}

export interface Upstream {
  endpoint: string;
  serverName?: string;
  cert: string;
  key: string;
  ca?: string;
}

const ROWS_MAX = 20_000;
const HEARTBEAT = "/api/dataplane/heartbeat";
const READ = "/v3/kv/range";

export class Relay {
  readonly rows: RelayRow[] = [];
  private readonly servers = new Map<number, Server>();
  private readonly modes = new Map<number, RelayMode>();
  private readonly sockets = new Map<number, Set<TLSSocket>>();
  private readonly upstream: Upstream;
  private readonly tls: { cert: string; key: string };
  private readonly agent: Agent;

  constructor(tls: { cert: string; key: string }, upstream: Upstream) {
    this.tls = tls;
    this.upstream = upstream;
    const { cert, key, ca, serverName } = upstream;
    this.agent = new Agent({
      keepAlive: true,
      cert,
      key,
      ...(ca === undefined ? {} : { ca }),
      ...(serverName === undefined ? {} : { servername: serverName }),
    });
  }

  async set(port: number, mode: RelayMode): Promise<void> {
    this.modes.set(port, mode);
    if (mode === "cut") return this.close(port);
    if (!this.servers.has(port)) await this.open(port);
  }

  /** Items of one kind by a `count_only` read, as Holdfast's own probe asks. undefined where that was not answered. */
  async count(prefix: string): Promise<number | undefined> {
    const base64 = (text: string): string => Buffer.from(text).toString("base64");
    const body = { key: base64(`${prefix}/`), range_end: base64(`${prefix}0`), count_only: true };
    const { status, text } = await this.forward("POST", READ, Buffer.from(JSON.stringify(body)));
    if (status !== 200) return undefined;
    return Number((JSON.parse(text) as { count?: string }).count ?? 0);
  }

  /** What the control plane itself says to the question that a gateway asks first: an HTTP status, or an error's code. */
  async version(): Promise<number | string> {
    return this.forward("GET", "/version", undefined).then(
      ({ status }) => status,
      (error: NodeJS.ErrnoException) => error.code ?? error.name,
    );
  }

  private async open(port: number): Promise<void> {
    // Whether the certificate is the right one is for the control plane to judge, and for the report: all are let in.
    const server = createServer(
      { ...this.tls, requestCert: true, rejectUnauthorized: false, requestTimeout: 0 },
      (request, response) => {
        this.answer(port, request, response).catch(() => response.destroy());
      },
    );
    const sockets = new Set<TLSSocket>();
    server.on("secureConnection", (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      socket.on("error", () => undefined);
    });
    this.servers.set(port, server);
    this.sockets.set(port, sockets);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, resolve);
    });
  }

  private async close(port: number): Promise<void> {
    const server = this.servers.get(port);
    this.servers.delete(port);
    server?.close();
    for (const socket of this.sockets.get(port) ?? []) socket.destroy();
  }

  private async answer(port: number, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    this.note(port, request, path, body);
    const mode = this.modes.get(port);
    if (mode === "readsFail" && path.startsWith("/v3/")) return reply(response, 503);
    if (mode === "heartbeatsRefused" && path === HEARTBEAT) return reply(response, 403);
    const outgoing = ask(new URL(request.url ?? "/", this.upstream.endpoint), {
      method: request.method ?? "GET",
      agent: this.agent,
      headers: { "content-type": request.headers["content-type"] ?? "application/json", "content-length": body.length },
    });
    response.on("close", () => outgoing.destroy());
    outgoing.on("error", () => response.destroy());
    outgoing.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, {
        "content-type": answer.headers["content-type"] ?? "application/json",
      });
      answer.pipe(response);
      answer.on("error", () => response.destroy());
    });
    outgoing.end(body);
  }

  private note(port: number, request: IncomingMessage, path: string, body: Buffer): void {
    const socket = request.socket as TLSSocket;
    const runningMode = path === HEARTBEAT ? modeIn(body.toString()) : undefined;
    this.rows.push({
      atMs: Date.now(),
      port,
      ip: (socket.remoteAddress ?? "").replace(/^::ffff:/, ""),
      method: request.method ?? "",
      path,
      certificate: socket.getPeerCertificate().fingerprint256 ?? "",
      ...(runningMode === undefined ? {} : { runningMode }),
    });
    if (this.rows.length > ROWS_MAX) this.rows.shift();
  }

  private forward(method: string, path: string, body: Buffer | undefined): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json" };
      const signal = AbortSignal.timeout(10_000);
      const url = new URL(path, this.upstream.endpoint);
      const outgoing = ask(url, { method, agent: this.agent, headers, signal }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }
}

function reply(response: ServerResponse, status: number): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end('{"error":"conformance run","code":14}');
}

function modeIn(text: string): string {
  try {
    return String((JSON.parse(text) as { running_mode?: unknown }).running_mode ?? "absent");
  } catch {
    return "unreadable";
  }
}
