import { describe, expect, test } from "vitest";
import { parseStart, parseStartMessage, type StartMessage } from "../../operator/domain/choice.ts";

describe("what start.json says", () => {
  const proofs = { abc: { digest: "sha256:1", verifiedAt: "2026-11-21T00:00:00Z" } };
  const proof = { digest: "sha256:1" };
  test.for([
    ["a record with a proof", { mode: "Fallback", epoch: 3, proofs }, { mode: "Fallback", epoch: 3 }, proof],
    [
      "a proof for another template only",
      { mode: "Normal", epoch: 3, proofs: { xyz: proofs.abc } },
      { mode: "Normal", epoch: 3 },
      "absent",
    ],
    ["no proofs", { mode: "Normal", epoch: 3 }, { mode: "Normal", epoch: 3 }, "absent"],
    ["a mode that is not known leaves the proof", { mode: "Hibernating", epoch: 3, proofs }, "unreadable", proof],
    ["an epoch that is no number", { mode: "Normal", epoch: "3", proofs }, "unreadable", proof],
    [
      "a proof without a digest",
      { mode: "Normal", epoch: 3, proofs: { abc: {} } },
      { mode: "Normal", epoch: 3 },
      "absent",
    ],
    [
      "a proof with an empty digest",
      { mode: "Normal", epoch: 3, proofs: { abc: { digest: "" } } },
      { mode: "Normal", epoch: 3 },
      "absent",
    ],
    ["a list", [], "unreadable", "absent"],
    ["null", null, "unreadable", "absent"],
  ] as const)("%s", ([, value, record, published]) => {
    expect(parseStart(JSON.stringify(value), "abc")).toEqual({ recorded: record, proof: published });
  });
  test("text that is no JSON", () => {
    expect(parseStart('{"mode":', "abc")).toEqual({ recorded: "unreadable", proof: "absent" });
  });
  test("a template named like an inherited property has no proof", () => {
    expect(parseStart('{"mode":"Normal","epoch":1,"proofs":{}}', "toString").proof).toBe("absent");
  });
});

describe("the termination message", () => {
  const message: StartMessage = {
    choice: "fallback",
    reason: "ControlPlaneSilent",
    template: "abc",
    epoch: 2,
    absent: ["clientCA"],
    probe: { version: "ok", read: "timeout" },
    ms: 4012,
  };
  test("reads back as it was written", () => {
    expect(parseStartMessage(JSON.stringify(message))).toEqual(message);
  });
  test.for([
    ["a kubelet's own text", "OCI runtime create failed"],
    ["a cut message", JSON.stringify(message).slice(0, 30)],
    ["another program's JSON", '{"loaded":true}'],
    ["an unknown choice", '{"choice":"both","reason":"NoProof"}'],
  ] as const)("%s is no choice", ([, text]) => {
    expect(parseStartMessage(text)).toBeUndefined();
  });
});
