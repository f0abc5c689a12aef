import http from "node:http";
import type { AddressInfo } from "node:net";
import type { Difference } from "./differences.ts";
import type { Objects } from "./objects.ts";

type Handler = (
  path: string,
) => Promise<{ status: number; body: string; type?: string }> | { status: number; body: string; type?: string };

/** A small GET-only listener. Returns its port. */
export async function serve(ip: string, port: number, handler: Handler): Promise<{ port: number; close: () => void }> {
  const server = http.createServer((request, response) => {
    void (async () => {
      const { status, body, type } = await handler((request.url ?? "/").split("?", 1)[0] ?? "/");
      response.writeHead(status, {
        "content-type": type ?? "application/json",
        "content-length": Buffer.byteLength(body),
      });
      response.end(body);
    })().catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, ip, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const json = (status: number, value: unknown): { status: number; body: string } => ({
  status,
  body: `${JSON.stringify(value)}\n`,
});
const notFound = json(404, { error_msg: "not found" });

export interface StatusFacts {
  readonly differs: readonly Difference[];
  readonly flavour: "vendor" | "opensource";
  /** config_provider json: never ready, though it serves. */
  readonly fromFile: boolean;
  /** Asks the dp-managers for /version; true when one answers. */
  readonly controlPlaneAnswers: () => Promise<boolean>;
  readonly emptyWorkers: () => readonly string[];
}

/** 7085. `/status`: the process lives. `/status/ready`: two products, two meanings; neither speaks of traffic. */
export function statusHandler(facts: StatusFacts): Handler {
  return async (path) => {
    if (path === "/status" && !facts.differs.includes("no-status")) return json(200, { status: "ok" });
    if (path !== "/status/ready") return notFound;
    if (facts.fromFile && facts.differs.includes("reader-ready")) return json(200, { status: "ok" });
    if (facts.differs.includes("never-ready")) return json(503, { status: "error", error: "never ready" });
    if (facts.fromFile) return json(503, { status: "error", error: "configuration is not from etcd" });
    if (facts.flavour === "vendor") {
      if (await facts.controlPlaneAnswers()) return json(200, { status: "ok" });
      return json(503, { status: "error", error: "no dp-manager endpoint answers" });
    }
    const [empty] = facts.emptyWorkers();
    return empty === undefined
      ? json(200, { status: "ok" })
      : json(503, { status: "error", error: `${empty} has not received configuration` });
  };
}

/** 9090 on 127.0.0.1: what this one process has loaded, whatever its siblings hold. */
export function controlHandler(current: () => Objects): Handler {
  return (path) => {
    const [, version, kind = "", id] = path.split("/");
    if (version !== "v1") return notFound;
    if (kind === "routes" || kind === "services" || kind === "upstreams") {
      const items = [...current()[kind]].map(([itemId, item]) => entry(kind, itemId, item));
      // Lua's JSON encoder writes an empty table as an object; a reader of this API has to live with both.
      return json(200, items.length === 0 ? {} : items);
    }
    const plural = `${kind}s`;
    if (id !== undefined && (plural === "routes" || plural === "services" || plural === "upstreams")) {
      const item = current()[plural].get(id);
      return item === undefined
        ? json(404, { error_msg: `${kind}[${id}] not found` })
        : json(200, entry(plural, id, item));
    }
    return notFound;
  };
}

function entry(kind: string, id: string, item: { value: object; modifiedIndex: number }): object {
  return {
    key: `/apisix/${kind}/${id}`,
    value: item.value,
    modifiedIndex: item.modifiedIndex,
    createdIndex: item.modifiedIndex,
    clean_handlers: {},
  };
}

/**
 * `apisix_etcd_reachable`, as measured: absent until the first refresh; refreshed every interval by asking for /version. While
 * an answer is waited for it keeps its value; when none came at all, the endpoint says 500 until one comes. A gateway that
 * does not read etcd has no such metric.
 */
export class Metrics {
  private reachable: boolean | "never asked" | "hangs" = "never asked";
  private readonly ask: (() => Promise<boolean | undefined>) | undefined;

  constructor(ask: (() => Promise<boolean | undefined>) | undefined) {
    this.ask = ask;
  }

  start(intervalMs: number, signal: AbortSignal): void {
    const { ask } = this;
    if (ask === undefined) return;
    let busy = false;
    const timer = setInterval(() => {
      if (busy) return;
      busy = true;
      void ask().then((answers) => {
        this.reachable = answers ?? "hangs";
        busy = false;
      });
    }, intervalMs);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  readonly handler: Handler = (path) => {
    if (path !== "/apisix/prometheus/metrics") return notFound;
    if (this.reachable === "hangs") return json(500, { error_msg: "failed to collect metrics" });
    const lines = [
      "# HELP apisix_node_info Info of APISIX node",
      "# TYPE apisix_node_info gauge",
      'apisix_node_info{hostname="gateway"} 1',
    ];
    if (this.reachable !== "never asked") {
      lines.push(
        "# HELP apisix_etcd_reachable Config server etcd reachable from APISIX, 0 is unreachable",
        "# TYPE apisix_etcd_reachable gauge",
        `apisix_etcd_reachable ${this.reachable ? 1 : 0}`,
      );
    }
    return { status: 200, body: `${lines.join("\n")}\n`, type: "text/plain; version=0.0.4" };
  };
}
