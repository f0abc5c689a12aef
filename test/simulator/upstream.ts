import http from "node:http";
import type { AddressInfo } from "node:net";

// Longer than the gateway keeps idle connections (60 s): the upstream never closes first.
const IDLE_MS = 90_000;
const DELAY_MAX_MS = 120_000;

/**
 * An upstream that answers with its name: `{"upstream": name, "path": "/x", "method": "GET", "bytes": 0}`.
 * `?delay=<ms>` answers later, `?status=<code>` with that status.
 */
export async function startUpstream(options: {
  name: string;
  port: number;
  ip?: string;
}): Promise<{ port: number; close(): void }> {
  const server = http.createServer({ keepAliveTimeout: IDLE_MS }, (request, response) => {
    const url = new URL(request.url ?? "/", "http://upstream");
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on("end", () => {
      const body = `${JSON.stringify({ upstream: options.name, path: url.pathname, method: request.method, bytes })}\n`;
      const answer = (): void => {
        response.writeHead(Number(url.searchParams.get("status") ?? 200), {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body),
        });
        response.end(body);
      };
      const delayMs = Math.min(Number(url.searchParams.get("delay") ?? 0), DELAY_MAX_MS);
      if (delayMs > 0) setTimeout(answer, delayMs);
      else answer();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.ip ?? "0.0.0.0", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
