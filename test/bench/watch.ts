/** A watch of the bench's own: the moment in which a change is seen is taken here, not in the operator. */
import { readFileSync } from "node:fs";
import { Agent, request } from "undici";
import type { Loose } from "../cluster/operator-bench.ts";

export interface WatchEvent {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: Loose;
  /** Wall clock and monotonic clock when its line was complete, ms. */
  wallMs: number;
  monoMs: number;
}

/** What exists comes first, as ADDED. Ends with `stop`; a watch that ends by itself is started again. */
export function watch(kubeconfigPath: string, path: string, onEvent: (event: WatchEvent) => void): { stop(): void } {
  const { clusters, users } = JSON.parse(readFileSync(kubeconfigPath, "utf8"));
  const pem = (data: string) => Buffer.from(data, "base64");
  const agent = new Agent({
    connect: {
      ca: pem(clusters[0].cluster["certificate-authority-data"]),
      cert: pem(users[0].user["client-certificate-data"]),
      key: pem(users[0].user["client-key-data"]),
    },
    bodyTimeout: 0,
  });
  const ending = new AbortController();
  const url = `${clusters[0].cluster.server}${path}${path.includes("?") ? "&" : "?"}watch=1`;
  const follow = async () => {
    const { body } = await request(url, { dispatcher: agent, signal: ending.signal });
    let rest = "";
    for await (const chunk of body.setEncoding("utf8") as AsyncIterable<string>) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      const [wallMs, monoMs] = [Date.now(), performance.now()];
      for (const line of lines) onEvent({ ...JSON.parse(line), wallMs, monoMs });
    }
  };
  const keepOn = async () => {
    while (!ending.signal.aborted) {
      await follow().catch((error: unknown) => {
        if (!ending.signal.aborted) console.error(`watch of ${path}: ${String(error)}; again`);
      });
      await new Promise((done) => setTimeout(done, 100));
    }
    await agent.destroy();
  };
  void keepOn();
  return { stop: () => ending.abort() };
}
