import { parseArgs } from "node:util";
import { type LoadSummary, startLoad } from "./load.ts";

const USAGE = `load: GET requests at a constant rate, no retries, counted.
  --url <url>         may be given several times, taken in turn   [required]
  --rate 500          requests per second
  --connections 32    kept connections
  --fresh 0.2         share of requests on a new connection each
  --seconds <n>       ends by itself; without it SIGINT or SIGTERM ends it
  --timeout-ms 10000  per request
  --expect 200        the only status that is not a failure
  --header <n:v>      may be given several times
  --resend-stale      sends a request again that met a connection closed while idle
  --progress          a JSON line per second on stderr
The summary is one JSON object on stdout. Exit code: 0 nothing failed, 1 something did, 2 bad arguments.
`;

export async function runLoad(argv: readonly string[]): Promise<number> {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: {
      url: { ...text, multiple: true },
      rate: { ...text, default: "500" },
      connections: { ...text, default: "32" },
      fresh: { ...text, default: "0.2" },
      seconds: text,
      "timeout-ms": { ...text, default: "10000" },
      expect: { ...text, default: "200" },
      header: { ...text, multiple: true, default: [] },
      "resend-stale": { type: "boolean", default: false },
      progress: { type: "boolean", default: false },
    },
  });
  if (values.url === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const load = startLoad({
    url: values.url,
    rate: Number(values.rate),
    connections: Number(values.connections),
    freshShare: Number(values.fresh),
    timeoutMs: Number(values["timeout-ms"]),
    expectStatus: Number(values.expect),
    headers: Object.fromEntries(values.header.map(splitHeader)),
    resendStale: values["resend-stale"],
    ...(values.progress ? { onSecond: (second) => process.stderr.write(`${JSON.stringify(second)}\n`) } : {}),
  });
  await untilTheEnd(values.seconds === undefined ? undefined : Number(values.seconds) * 1_000);
  const summary: LoadSummary = await load.stop();
  process.stdout.write(`${JSON.stringify(summary)}\n`);
  return summary.failed === 0 ? 0 : 1;
}

function untilTheEnd(ms: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (ms !== undefined) setTimeout(resolve, ms);
    else setInterval(() => undefined, 60_000);
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}

function splitHeader(header: string): [string, string] {
  const colon = header.indexOf(":");
  if (colon < 1) throw new Error(`--header "${header}" is not name:value`);
  return [header.slice(0, colon).trim(), header.slice(colon + 1).trim()];
}
