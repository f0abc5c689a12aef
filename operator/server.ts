import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";
import type { Log } from "./log.ts";

export interface ReadinessProblem {
  /** What is not ready: "watch Pod in edge". */
  what: string;
  why: string;
  /** Told, and no reason not to be ready: one of several namespaces that cannot be read. */
  leftOut?: true;
}

export interface ServerOptions {
  /** Default: all addresses. */
  host?: string;
  /** 0: any free port. */
  port: number;
  registry: Registry;
  log: Log;
  /** Empty: ready. Asked at each request; must be quick. */
  readinessProblems: () => ReadinessProblem[];
}

export interface RunningServer {
  port: number;
  close(): Promise<void>;
}

/** What the server knows of a watch; the runtime's Informer fits. */
export interface WatchedSource {
  health(): { name: string; synced: boolean; refused: boolean; staleForMs: number; lastError: string | undefined }[];
}

/**
 * A watch has a sign of life at least once a minute (bookmarks) and is opened anew after 70 s of silence. Blind for
 * longer than this, an operator that calls itself ready would be lying to the one who rolls it out.
 */
export const BLIND_AFTER_MS = 180_000;

export function watchProblems(sources: readonly WatchedSource[], blindAfterMs = BLIND_AFTER_MS): ReadinessProblem[] {
  const problems: ReadinessProblem[] = [];
  const watches = sources.flatMap((source) => {
    const ofKind = source.health();
    const othersGoOn = ofKind.some((watch) => watch.synced && !watch.refused);
    return ofKind.map((watch) => ({ ...watch, leftOut: watch.refused && othersGoOn }));
  });
  for (const { name, synced, leftOut, staleForMs, lastError } of watches) {
    const what = `watch ${name}`;
    const because = lastError === undefined ? "" : `: ${lastError}`;
    if (leftOut) problems.push({ what, why: `refused${because}`, leftOut });
    else if (!synced) problems.push({ what, why: `the first list has not ended yet${because}` });
    else if (staleForMs > blindAfterMs) {
      problems.push({ what, why: `no sign of the API server for ${Math.round(staleForMs / 1000)} s${because}` });
    }
  }
  return problems;
}

/** /livez, /readyz (with the reasons in the body) and /metrics. Rejects when the port cannot be had. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      options.log.error("request failed", { path: request.url, error });
      if (!response.headersSent) send(response, 500, "internal error\n");
      else response.destroy();
    });
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;
  server.keepAliveTimeout = 5_000;
  server.maxConnections = 100; // probes and scrapers; more is not meant for us
  await listen(server, options.port, options.host);
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

async function answer(options: ServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") return send(response, 405, "only GET\n");
  switch (request.url?.split("?")[0]) {
    // That it is answered at all is what it says: a process that is stuck answers nothing, and one that lost its lease ends.
    case "/livez":
      return send(response, 200, "ok\n");
    case "/readyz": {
      const problems = options.readinessProblems();
      const ready = problems.every((problem) => problem.leftOut);
      const lines = problems.map(
        ({ what, why, leftOut }) => `${leftOut ? "left out" : "not ready"}: ${what}: ${why}\n`,
      );
      return send(response, ready ? 200 : 503, `${ready ? "ok\n" : ""}${lines.join("")}`);
    }
    case "/metrics":
      return send(response, 200, await options.registry.metrics(), options.registry.contentType);
    default:
      return send(response, 404, "not found: /livez, /readyz, /metrics are here\n");
  }
}

function send(response: ServerResponse, code: number, body: string, type = "text/plain; charset=utf-8"): void {
  response.writeHead(code, { "content-type": type, "cache-control": "no-store" });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

function listen(server: Server, port: number, host: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
