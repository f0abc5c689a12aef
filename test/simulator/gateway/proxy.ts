import http from "node:http";
import https from "node:https";
import type { Objects } from "./objects.ts";
import { buildRouter, type Node, nextNode, type Router, type Upstream } from "./router.ts";

// RFC 9110 section 7.6.1: fields that belong to one connection only.
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "proxy-authenticate",
  "proxy-authorization",
]);
// nginx_config.http.upstream.keepalive_timeout of the chart; upstreams must keep idle connections longer than this.
const UPSTREAM_IDLE_MS = 60_000;

export interface DataPathOptions {
  readonly version: string;
  /** Told in `Server-Pod` when set. */
  readonly pod: string | undefined;
}

/** The data path of one worker: its own routes, its own connections to the upstreams. */
export class DataPath {
  private router: Router | undefined;
  private objects: Objects | undefined;
  private readonly agents = {
    http: new http.Agent({ keepAlive: true, maxFreeSockets: 320, timeout: UPSTREAM_IDLE_MS }),
    https: new https.Agent({
      keepAlive: true,
      maxFreeSockets: 320,
      timeout: UPSTREAM_IDLE_MS,
      rejectUnauthorized: false,
    }),
  };
  private readonly options: DataPathOptions;

  constructor(options: DataPathOptions) {
    this.options = options;
  }

  /** Takes new objects; the table is built at the next request, once for a burst of changes. */
  use(objects: Objects): void {
    this.objects = objects;
    this.router = undefined;
  }

  readonly handle = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    response.setHeader("Server", `API7/${this.options.version}`);
    if (this.options.pod !== undefined) response.setHeader("Server-Pod", this.options.pod);
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const host = (request.headers.host ?? "").replace(/:\d+$/, "").toLowerCase();
    if (this.router === undefined && this.objects !== undefined) this.router = buildRouter(this.objects);
    const route = this.router?.match(request.method ?? "GET", host, path);
    if (route === undefined) {
      answer(response, 404, { error_msg: "404 Route Not Found" });
      return;
    }
    if (route.upstream === undefined || route.upstream.nodes.length === 0) {
      answer(response, 503, { error_msg: "no valid upstream node" });
      return;
    }
    const { nodes, retries } = route.upstream;
    // A body can be sent once only: such a request is not tried on another node.
    const attempts = hasBody(request) ? 1 : Math.min(nodes.length, 1 + (retries ?? nodes.length));
    this.forward(request, response, route.upstream, attempts, new Set());
  };

  private forward(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    upstream: Upstream,
    attempts: number,
    tried: Set<Node>,
  ): void {
    const node = nextNode(upstream, tried);
    if (node === undefined) {
      answer(response, 502, { error_msg: "no upstream node answers" });
      return;
    }
    this.send(request, response, upstream, node, (failure) => {
      // An idle upstream connection that was just closed says nothing against its node.
      const stale = failure.stale && !hasBody(request);
      if (!stale) tried.add(node);
      if (stale || tried.size < attempts) this.forward(request, response, upstream, attempts, tried);
      else if (failure.timeout) answer(response, 504, { error_msg: "upstream timed out" });
      else answer(response, 502, { error_msg: "upstream failed" });
    });
  }

  private send(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    upstream: Upstream,
    node: Node,
    onFailure: (failure: { stale: boolean; timeout: boolean }) => void,
  ): void {
    const client = upstream.scheme === "https" ? https : http;
    const outgoing = client.request({
      host: node.host,
      port: node.port,
      method: request.method,
      path: request.url,
      agent: this.agents[upstream.scheme],
      headers: forwardedHeaders(request, upstream, node),
      setHost: false,
    });
    let timedOut = false;
    outgoing.setTimeout(upstream.timeoutMs.read, () => {
      timedOut = true;
      outgoing.destroy();
    });
    outgoing.on("response", (incoming) => {
      response.writeHead(incoming.statusCode ?? 502, endToEnd(incoming.rawHeaders));
      incoming.pipe(response);
      // The upstream broke off in the middle: the client must see a broken answer, not a short one.
      incoming.on("error", () => response.destroy());
    });
    outgoing.on("error", () => {
      if (response.destroyed) return;
      if (response.headersSent) response.destroy();
      else onFailure({ stale: outgoing.reusedSocket && !timedOut, timeout: timedOut });
    });
    response.on("close", () => {
      if (!response.writableFinished) outgoing.destroy();
    });
    request.pipe(outgoing);
  }
}

function hasBody({ headers }: http.IncomingMessage): boolean {
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}

function forwardedHeaders(request: http.IncomingMessage, upstream: Upstream, node: Node): http.OutgoingHttpHeaders {
  const headers: http.OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(request.headers)) if (!HOP_BY_HOP.has(name)) headers[name] = value;
  const client = request.socket.remoteAddress ?? "";
  const earlier = request.headers["x-forwarded-for"];
  headers["x-forwarded-for"] = earlier === undefined ? client : `${earlier}, ${client}`;
  headers["x-real-ip"] = client;
  headers["x-forwarded-proto"] = "http";
  if (upstream.passHost === "node") headers["host"] = `${node.host}:${node.port}`;
  if (upstream.passHost === "rewrite" && upstream.upstreamHost !== undefined) headers["host"] = upstream.upstreamHost;
  return headers;
}

function endToEnd(raw: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? "";
    if (!HOP_BY_HOP.has(name.toLowerCase()) && name.toLowerCase() !== "server") kept.push(name, raw[i + 1] ?? "");
  }
  return kept;
}

function answer(response: http.ServerResponse, status: number, body: object): void {
  if (response.headersSent || response.destroyed) return;
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}
