import { get } from "node:http";
import { ETCD_REACHABLE_METRIC } from "./facts.ts";

export type EtcdReachable = 0 | 1 | "unknown";

/** The metric stands near the top; a big fleet's histograms follow it by the megabyte. */
const MAX_BYTES = 16 * 1024 * 1024;
const LINE = new RegExp(`^${ETCD_REACHABLE_METRIC}(?:\\{[^}]*\\})? +([01])(?:\\.0+)?\\s*$`, "m");

/**
 * Reads a gateway's metrics as far as the one metric, on a connection of its own. What was told before an answer hangs or
 * breaks off counts: whole lines are true. Many are read at a time, so nothing of them is kept. Never rejects.
 */
export function askEtcdReachable(url: string, timeoutMs: number, signal: AbortSignal): Promise<EtcdReachable> {
  return new Promise((resolve) => {
    const limit = AbortSignal.any([AbortSignal.timeout(timeoutMs), signal]);
    const request = get(url, { agent: false, signal: limit }, (response) => {
      let size = 0;
      let line = "";
      const end = (found: EtcdReachable): void => {
        resolve(found);
        request.destroy();
      };
      if (response.statusCode !== 200) end("unknown");
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        const text = line + chunk.toString("latin1");
        const whole = text.lastIndexOf("\n") + 1;
        line = text.slice(whole);
        const found = valueIn(text.slice(0, whole));
        if (found !== "unknown" || size > MAX_BYTES) end(found);
      });
      response.on("end", () => resolve(valueIn(line)));
      response.on("error", () => resolve("unknown"));
    });
    request.on("error", () => resolve("unknown"));
  });
}

function valueIn(lines: string): EtcdReachable {
  const value = LINE.exec(lines)?.[1];
  if (value === undefined) return "unknown";
  return value === "1" ? 1 : 0;
}
