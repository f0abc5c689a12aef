/** Stands before the S3 server and counts what goes through: by object key's end, method and status. */
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

export interface CountingProxy {
  endpoint: string;
  /** "GET raw 304" -> how often so far. */
  counts(): Map<string, number>;
  stop(): Promise<void>;
}

/** Passes everything on as it is, the Host header too: that is part of what S3 clients sign. */
export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const { hostname, port } = new URL(target);
  const counts = new Map<string, number>();
  const server = createServer((incoming, outgoing) => {
    const { method = "", url = "", headers } = incoming;
    const passed = request({ hostname, port, method, path: url, headers }, (answer) => {
      const word = `${method} ${keyWord(url)} ${answer.statusCode}`;
      counts.set(word, (counts.get(word) ?? 0) + 1);
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on("error", () => outgoing.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts: () => new Map(counts),
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function keyWord(url: string): string {
  const [path = "", query = ""] = url.split("?");
  const [, , key = ""] = path.split("/");
  if (key === "") return query.includes("list-type") ? "list" : "bucket";
  if (key.includes("/")) return "generation";
  return /-(raw|candidate)$/.exec(key)?.[1] ?? "verified";
}
