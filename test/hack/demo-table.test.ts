import { expect, test } from "vitest";
import { mustHaveStartedFrom } from "../../hack/demo-pods.ts";
import { Table } from "../../hack/demo-table.ts";
import { Tally } from "../simulator/load-tally.ts";

const podFrom = (choice: string | undefined) => {
  const message = choice === undefined ? "" : JSON.stringify({ choice });
  return {
    metadata: { name: "edge-1" },
    status: { initContainerStatuses: [{ name: "choose", state: { terminated: { message } } }] },
  };
};

test("the table begins with the requests, and its values stand below one another", () => {
  const tally = new Tally();
  for (let sent = 0; sent < 3; sent += 1) tally.sent();
  tally.ok(2, "edge-1");
  tally.stale("edge-1");
  tally.failed("reset", "ECONNRESET", 1, "edge-1");
  tally.notSent();
  const table = new Table();
  table.seconds("outage -> verdict", 12.34);
  table.row("licensed cores", "4 normal");
  const lines = table.text(tally.summary()).split("\n");
  expect(lines.map((line) => line.trim().split(/ {2,}/))).toEqual([
    ["requests sent", "3"],
    ["requests failed", '2 {"reset":1}'],
    ["requests that met a connection closed while idle (HTTP clients re-send these)", "1"],
    ["latency p50 / p99", "2.0 / 2.0 ms"],
    ["outage -> verdict", "12.3 s"],
    ["licensed cores", "4 normal"],
  ]);
  expect(new Set(lines.map((line) => line.lastIndexOf("  "))).size).toBe(1);
});

test("the same numbers as a result: each with what it is compared with", () => {
  const tally = new Tally();
  tally.sent();
  tally.notSent();
  const table = new Table();
  const reference = { what: "in normal times", value: 2 };
  table.seconds("pod created in the outage", 4.321, { reference, wanted: "at most 5 s more" });
  table.row("licensed cores", "4 normal");
  const { rows, how } = table.result(tally.summary(), 500);
  expect(how).toContain("500 requests per second");
  expect(rows.filter(({ what }) => !what.startsWith("latency"))).toEqual([
    { what: "requests sent", value: 1, unit: "", wanted: "100,000" },
    { what: "requests failed", value: 1, unit: "", wanted: "0" },
    { what: "requests that met a connection closed while idle", value: 0, unit: "" },
    { what: "pod created in the outage", value: 4.321, unit: "s", reference, wanted: "at most 5 s more" },
  ]);
});

test("a pod that started from elsewhere than its row says ends the demo", () => {
  expect(() => mustHaveStartedFrom("fallback", podFrom("fallback"))).not.toThrow();
  for (const choice of ["normal", undefined])
    expect(() => mustHaveStartedFrom("fallback", podFrom(choice))).toThrow(
      /pod edge-1 .*"fallback".*from "(normal|unknown)"/,
    );
});
