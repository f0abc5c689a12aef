import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, expect, test } from "vitest";
import { maxBytesFor } from "../../operator/storage/store.ts";
import { OBJECT, startWire, type Wire } from "../storage/wire.ts";

/** As the chart starts the operator: its limit, and what it has in memory at rest (docs/benchmarks.md). */
const NODE_OPTIONS = ["--max-old-space-size=256", "--max-semi-space-size=2"];
const LIMIT_MIB = 384;
const REST_MIB = 130;

const CHILD = join(import.meta.dirname, "memory-child.ts");
const CONFIG = Buffer.from('{"config":{"config_version":1,"config_payload":{"a":1}}}');

/** Routes that fill so many bytes; a letter beyond Latin-1 makes texts twice as large in memory. */
function routes(bytes: number): Buffer {
  const body = Buffer.alloc(bytes, " ");
  let at = body.write('{"routes":[');
  for (let i = 0; at < bytes - 1_000; i += 1) {
    const route = {
      id: `r${i}`,
      name: `r${i} \u4e2d`,
      uri: `/api/v1/${i}/*`,
      methods: ["GET", "POST"],
      service_id: `s${i % 99}`,
    };
    at += body.write(
      `${i === 0 ? "" : ","}${JSON.stringify({ ...route, plugins: { "limit-count": { count: i } } })}`,
      at,
    );
  }
  body.write("]}", at);
  return body;
}

let wire: Wire;
afterEach(() => wire.close());

const NO_COPIES = Buffer.from("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");

/** Every resource object is this body; there are no copies of it and no mark. */
async function storeOf(body: Buffer): Promise<string> {
  wire = await startWire((request, response) => {
    if (request.url?.includes("list-type=2")) return void response.writeHead(200).end(NO_COPIES);
    if (request.url?.includes("-owner")) return void response.writeHead(404).end();
    const found = request.url?.includes("/acme-a/") ? body : CONFIG;
    response.writeHead(200, { ...OBJECT, "content-length": found.length });
    response.end(request.method === "HEAD" ? undefined : found);
  });
  return new URL(wire.url).port;
}

const node = async (...args: string[]) =>
  JSON.parse((await promisify(execFile)(process.execPath, [...NODE_OPTIONS, ...args])).stdout);
const child = (...args: string[]) => node(CHILD, ...args);
const maxBytes = async () => maxBytesFor(await node("-p", "v8.getHeapStatistics().heap_size_limit"));

test("exports as large as the bound, of several groups at once, are read within the memory of the chart", async () => {
  const said = await child(await storeOf(routes(await maxBytes())), "a", "b");
  expect(said.words).toEqual(Array.from({ length: 6 }, () => "found"));
  expect(said.tookMiB).toBeLessThan(LIMIT_MIB - REST_MIB);
}, 120_000);

test("one byte more is refused by its announced length, and nothing of it is read", async () => {
  const bytes = await maxBytes();
  const said = await child(await storeOf(Buffer.alloc(bytes + 1, " ")), "a");
  expect(said.words).toHaveLength(3);
  for (const word of said.words) expect(word).toContain(`it is larger than ${bytes} bytes`);
  expect(said.tookMiB).toBeLessThan(50);
}, 120_000);
