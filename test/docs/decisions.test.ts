/** docs/decisions.md says what the code does: every row of its tables is tried, and nothing that can come out is missing. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { chooseStart, type ProbeOutcome, type StartFacts } from "../../operator/domain/choice.ts";
import { verdictOf, type Witnesses } from "../../operator/domain/evidence/verdict.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../../docs/decisions.md"), "utf8");
const rows = PAGE.split("\n")
  .filter((line) => line.startsWith("| ") && line.endsWith("` |"))
  .map((line) => line.slice(2, -2).split(" | "));
const rowOf = (...cells: string[]) => rows.find((row) => cells.every((cell, i) => row[i] === cell));

const seen = (operator: Witnesses["operator"], more: Partial<Witnesses> = {}): Witnesses => ({
  operator,
  connected: 0,
  late: 0,
  disconnected: 0,
  silent: 0,
  wanted: 3,
  nodesCutOff: 2,
  placesAnswered: 0,
  placesRefused: 0,
  placesAgree: false,
  readFailed: false,
  ...more,
});

describe("the verdict table", () => {
  const table = [
    ["reads answered", "nobody says disconnected", seen("readsOk", { connected: 2, silent: 1 })],
    ["reads answered", "some connected, some disconnected", seen("readsOk", { connected: 1, disconnected: 3 })],
    ["reads answered", "too few to be enough, whoever cannot be asked", seen("readsOk", { disconnected: 1 })],
    ["reads answered", "enough say disconnected, none connected", seen("readsOk", { disconnected: 2, silent: 1 })],
    [
      "reads answered",
      "enough, and a place got an answer",
      seen("readsOk", { disconnected: 2, silent: 1, placesAnswered: 1 }),
    ],
    ["reads answered", "enough, all on one node", seen("readsOk", { disconnected: 2, silent: 1, nodesCutOff: 1 })],
    ["reads answered", "not known, as too few can be asked", seen("readsOk", { disconnected: 1, silent: 1 })],
    ["reads answered with a server error", "no normal gateway serves", seen("serverError")],
    ["reads answered with a server error", "enough say disconnected", seen("serverError", { disconnected: 2 })],
    [
      "reads answered with a server error",
      "a place had its read fail, or two places got no answer",
      seen("serverError", { silent: 2, placesRefused: 1, readFailed: true }),
    ],
    [
      "reads answered with a server error",
      "one place got an answer",
      seen("serverError", { silent: 2, placesAnswered: 1 }),
    ],
    ["reads answered with a server error", "nobody else says so", seen("serverError", { silent: 2 })],
    ["reads time out", "a start or a witness pod had its read fail, too", seen("readTimeout", { readFailed: true })],
    ["reads time out", "otherwise", seen("readTimeout", { disconnected: 2 })],
    ["down", "one gateway says connected, or one place got an answer", seen("down", { connected: 1, disconnected: 9 })],
    ["down", "one gateway says connected, or one place got an answer", seen("down", { placesAnswered: 1 })],
    ["down", "no normal gateway serves", seen("down")],
    ["down", "enough say disconnected", seen("down", { disconnected: 2, silent: 1 })],
    [
      "down",
      "too few can be asked, and two places, or all where they run, got no answer",
      seen("down", { silent: 2, placesRefused: 2, placesAgree: true }),
    ],
    ["down", "too few can be asked, and fewer places speak", seen("down", { silent: 3, placesRefused: 1 })],
    ["down", "too few are known to speak of now, and fewer places speak", seen("down", { late: 1, disconnected: 2 })],
    ["no route", "one gateway says connected, or one place got an answer", seen("noRoute", { connected: 1 })],
    ["no route", "enough say disconnected", seen("noRoute", { disconnected: 2, silent: 1 })],
    ["no route", "otherwise", seen("noRoute", { disconnected: 1, silent: 1, placesAgree: true })],
    ["certificate refused (401, 403), or no control plane's answer", "any", seen("misconfigured", { disconnected: 2 })],
    ["anything else: name resolution, local TLS error", "any", seen("unknown", { disconnected: 2 })],
  ] as const;

  test.each(table)("%s, %s", (operator, gateways, witnesses) => {
    const { word, reason, dwellFactor } = verdictOf(witnesses);
    const verdict = dwellFactor === 2 ? `${word}, after twice the time` : word;
    expect(rowOf(operator, gateways)?.slice(2)).toEqual([verdict, `\`${reason}\``]);
  });

  test("has no row that is not tried here, and no outcome is missing in it", () => {
    const documented = rows.filter((row) => row.length === 4);
    const tried = new Set(table.map(([operator, gateways]) => `${operator}|${gateways}`));
    expect(new Set(documented.map((row) => `${row[0]}|${row[1]}`))).toEqual(tried);
    const counts = [0, 1, 2, 5];
    const some = [0, 1];
    const views = ["readsOk", "serverError", "readTimeout", "down", "noRoute", "misconfigured", "unknown"] as const;
    const outcomes = new Set<string>();
    for (const operator of views)
      for (const connected of counts)
        for (const disconnected of counts)
          for (const silent of counts)
            for (const late of some)
              for (const placesAnswered of some)
                for (const placesAgree of [false, true])
                  for (const readFailed of [false, true]) {
                    const mix = { connected, late, disconnected, silent, placesAnswered, placesAgree, readFailed };
                    const { word, reason } = verdictOf(seen(operator, mix));
                    outcomes.add(`${word} \`${reason}\``);
                  }
    const told = new Set(documented.map((row) => `${row[2]?.split(",")[0]} ${row[3]}`));
    expect(told).toEqual(outcomes);
  });
});

describe("the start choice table", () => {
  const proof = { digest: "sha256:abc" };
  const healthy: StartFacts = {
    recorded: { mode: "Normal", epoch: 1 },
    proof,
    probe: { version: "timeout", read: "timeout" },
    configs: { normal: true, fallback: true },
    readerKeys: "present",
  };
  const with_ = (more: Partial<StartFacts>): StartFacts => ({ ...healthy, ...more });
  const table = [
    ["there is no normal configuration", with_({ configs: { normal: false, fallback: true } })],
    [
      "fallback is recorded, proven, and the storage keys are there",
      with_({ recorded: { mode: "Fallback", epoch: 2 }, probe: "notAsked" }),
    ],
    ["the control plane answers both questions", with_({ probe: { version: "ok", read: "ok" } })],
    ["it does not, and nothing is proven for this template", with_({ proof: "absent" })],
    ["it does not, and there is no fallback configuration", with_({ configs: { normal: true, fallback: false } })],
    ["the question broke off by our own doing", with_({ probe: { version: "aborted", read: "ok" } })],
    ["it does not answer, and a proof is there", healthy],
    ["it refuses the certificate, and a proof is there", with_({ probe: { version: "denied", read: "denied" } })],
  ] as const;

  test.each(table)("%s", (rule, facts) => {
    const step = chooseStart(facts);
    const row = rowOf(rule);
    expect(step.probeFirst).toBe(false);
    if (step.probeFirst) return;
    expect(row?.[1]?.startsWith(step.choice)).toBe(true);
    expect(row?.[2]).toBe(`\`${step.reason}\``);
  });

  test("every reason that can come out is on the page", () => {
    const outcomes: ProbeOutcome[] = ["ok", "timeout", "denied", "aborted", "serverError"];
    const probes = outcomes.flatMap((version) => outcomes.map((read) => ({ version, read })));
    const reasons = new Set<string>();
    for (const recorded of ["absent", { mode: "Normal", epoch: 1 }, { mode: "Fallback", epoch: 2 }] as const)
      for (const configs of [true, false].flatMap((normal) => [true, false].map((fallback) => ({ normal, fallback }))))
        for (const readerKeys of ["present", "absent"] as const)
          for (const known of [proof, "absent"] as const)
            for (const probe of probes) {
              const step = chooseStart({ recorded, configs, readerKeys, proof: known, probe });
              if (!step.probeFirst) reasons.add(step.reason);
            }
    expect(reasons.size).toBeGreaterThan(5);
    reasons.add("OwnFailure"); // said by `choose` itself, decided nowhere
    for (const reason of reasons) expect(PAGE).toContain(`\`${reason}\``);
  });
});
