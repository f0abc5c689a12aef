import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { JsonText } from "../../../operator/gateway/api7/json-text.ts";
import { inspectSnapshot } from "../../../operator/gateway/api7/snapshot.ts";
import { Room } from "../../../operator/gateway/api7/snapshot-room.ts";

const MIB = 1024 * 1024;
const CONFIG = '{"config":{"config_version":1,"config_payload":{"a":1}}}';
const CHILD = join(import.meta.dirname, "snapshot-inspect-child.ts");

test("what would take more memory than the process has is refused, whatever it is made of, and the process lives", async () => {
  const options = ["--max-old-space-size=64", "--max-semi-space-size=2"];
  const { stdout } = await promisify(execFile)(process.execPath, [...options, CHILD, String(8 * MIB)]);
  const said: Record<string, string[]> = JSON.parse(stdout);
  expect(Object.keys(said).length).toBeGreaterThan(5);
  for (const [shape, problems] of Object.entries(said))
    expect(problems, shape).toEqual([`${shape.startsWith("a configuration") ? "config" : "resource"}: TooLarge`]);
}, 60_000);

test("an export of many ordinary routes takes a fraction of it", async () => {
  const route = (i: number) => ({
    id: `r${i}`,
    uri: `/api/${i}/*`,
    service_id: "s",
    plugins: { "limit-count": { count: 9 } },
  });
  const body = JSON.stringify({ services: [{ id: "s" }], routes: Array.from({ length: 10_000 }, (_, i) => route(i)) });
  const report = await inspectSnapshot(body, CONFIG, {}, new Room(32 * MIB));
  expect([report.problems, report.counts["routes"]]).toEqual([[], 10_000]);
  const { problems } = await inspectSnapshot(body, CONFIG, {}, new Room(8 * MIB));
  expect(problems.map(({ fault }) => fault)).toEqual(["TooLarge"]);
});

test("one large item is as good as any, if there is not too much in it", async () => {
  const body = JSON.stringify({ protos: [{ id: "p", content: "x".repeat(2 * MIB) }], routes: [{ id: "r" }] });
  expect((await inspectSnapshot(body, CONFIG, {}, new Room(64 * MIB))).problems).toEqual([]);
});

test("others have the thread while a large one is read, and none is read beside it", async () => {
  const large = JSON.stringify({ routes: Array.from({ length: 60_000 }, (_, i) => ({ id: `r${i}`, uri: `/${i}` })) });
  let turns = 0;
  const ended: string[] = [];
  const ticking = setInterval(() => {
    turns += 1;
  }, 0);
  const first = inspectSnapshot(large, CONFIG).then(() => ended.push(`large after turns: ${turns > 0}`));
  const second = inspectSnapshot('{"routes":[{"id":"r"}]}', CONFIG).then(() => ended.push("small"));
  await Promise.all([first, second]);
  clearInterval(ticking);
  expect(ended).toEqual(["large after turns: true", "small"]);
});

test("walked through value by value, a text is JSON when JSON.parse says so", async () => {
  const broken = fc
    .tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom("", "{", "}", "[", "]", ",", ":", '"', "\\", " ", "1", "nul"),
      fc.nat(3),
    )
    .map(([json, at, put, cut]) => {
      const text = `{"routes":[${json}],"x":${json}}`;
      const where = at % (text.length + 1);
      return text.slice(0, where) + put + text.slice(where + cut);
    });
  await fc.assert(
    fc.asyncProperty(broken, async (body) => {
      const { problems } = await inspectSnapshot(body, CONFIG);
      const told = problems.some(({ fault }) => fault === "NotJson" || fault === "Truncated");
      expect(told).toBe(!isJson(body));
    }),
    { numRuns: 2_000 },
  );
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test.for([
  ['"a\\"]"', 1, 0],
  ["-1.5e3", 1, 0],
  ["[]", 1, 1],
  ['{"a":[1,2,{"b":"]}"}],"c":{}}', 7, 3],
] as const)("%s: its end, its parts, its depth", ([value, parts, depth]) => {
  const text = new JsonText(` ${value} , 1`);
  const extent = text.value();
  expect([text.read(extent), extent.parts, extent.depth]).toEqual([value, parts, depth]);
  expect([text.take(","), text.ended()]).toEqual([true, false]);
});
