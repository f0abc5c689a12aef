import { describe, expect, test } from "vitest";
import {
  chooseStart,
  type Probe,
  type ProbeOutcome,
  parseStart,
  parseStartMessage,
  type Recorded,
  type StartFacts,
} from "../../operator/domain/choice.ts";

/** A pod of a healthy group whose control plane has just gone, with everything that Holdfast can have ready. */
const outage: StartFacts = {
  recorded: { mode: "Normal", epoch: 4 },
  proof: { digest: "sha256:1" },
  probe: { version: "refused", read: "refused" },
  configs: { normal: true, fallback: true },
  readerKeys: "present",
};
const up: Probe = { version: "ok", read: "ok" };
const recorded = (mode: "Normal" | "ToFallback" | "Fallback" | "ToNormal"): Partial<StartFacts> => ({
  recorded: { mode, epoch: 4 },
});

describe("the start choice", () => {
  test.for([
    ["the control plane answers", { probe: up }, "normal", "ControlPlaneAnswered"],
    ["nobody listens there", {}, "fallback", "ControlPlaneSilent"],
    ["it is asked first", { probe: "notAsked" }, "probeFirst", undefined],
    [
      "its front answers, its database is silent",
      { probe: { version: "ok", read: "timeout" } },
      "fallback",
      "ControlPlaneSilent",
    ],
    [
      "its front answers, its database fails",
      { probe: { version: "ok", read: "serverError" } },
      "fallback",
      "ControlPlaneSilent",
    ],
    [
      "the name does not resolve: a gateway would not get in either",
      { probe: { version: "dnsFailure", read: "dnsFailure" } },
      "fallback",
      "ControlPlaneSilent",
    ],
    [
      "our certificate is refused by TLS",
      { probe: { version: "tlsLocal", read: "tlsLocal" } },
      "fallback",
      "ControlPlaneSilent",
    ],
    [
      "it says 403: a normal start would die, too",
      { probe: { version: "denied", read: "denied" } },
      "fallback",
      "ControlPlaneRefusedUs",
    ],
    [
      "it says 401 to the read alone",
      { probe: { version: "ok", read: "denied" } },
      "fallback",
      "ControlPlaneRefusedUs",
    ],
    [
      "it says 403, and nothing is proven",
      { probe: { version: "denied", read: "denied" }, proof: "absent" },
      "normal",
      "NoProof",
    ],
    [
      "the probe broke off: unknown moves nothing",
      { probe: { version: "aborted", read: "aborted" } },
      "normal",
      "ProbeAborted",
    ],
    ["no proof for this template", { proof: "absent" }, "normal", "NoProof"],
    ["no fallback configuration", { configs: { normal: true, fallback: false } }, "normal", "NoFallbackConfig"],
    [
      "no normal configuration",
      { configs: { normal: false, fallback: true }, probe: "notAsked" },
      "fallback",
      "NoNormalConfig",
    ],
    ["neither configuration", { configs: { normal: false, fallback: false } }, "normal", "NoNormalConfig"],
    [
      "no normal configuration, nothing proven",
      { configs: { normal: false, fallback: true }, proof: "absent" },
      "normal",
      "NoNormalConfig",
    ],
    ["recorded Fallback: no probe", { ...recorded("Fallback"), probe: "notAsked" }, "fallback", "RecordedFallback"],
    ["recorded ToFallback: no probe", { ...recorded("ToFallback"), probe: "notAsked" }, "fallback", "RecordedFallback"],
    [
      "recorded Fallback, though the control plane would answer",
      { ...recorded("Fallback"), probe: up },
      "fallback",
      "RecordedFallback",
    ],
    [
      "recorded Fallback without a proof for this template",
      { ...recorded("Fallback"), proof: "absent", probe: "notAsked" },
      "probeFirst",
      undefined,
    ],
    [
      "recorded Fallback without a proof, control plane up",
      { ...recorded("Fallback"), proof: "absent", probe: up },
      "normal",
      "ControlPlaneAnswered",
    ],
    [
      "recorded Fallback without a proof, control plane down",
      { ...recorded("Fallback"), proof: "absent" },
      "normal",
      "NoProof",
    ],
    [
      "recorded ToNormal: the group returns, its pods ask",
      { ...recorded("ToNormal"), probe: "notAsked" },
      "probeFirst",
      undefined,
    ],
    ["recorded ToNormal, control plane up", { ...recorded("ToNormal"), probe: up }, "normal", "ControlPlaneAnswered"],
    ["recorded ToNormal, control plane gone again", recorded("ToNormal"), "fallback", "ControlPlaneSilent"],
    ["nothing recorded, control plane up", { recorded: "absent", probe: up }, "normal", "ControlPlaneAnswered"],
    ["the record is unreadable, its proof is not", { recorded: "unreadable" }, "fallback", "ControlPlaneSilent"],
    [
      "recorded Fallback, storage keys missing: asks",
      { ...recorded("Fallback"), readerKeys: "absent", probe: "notAsked" },
      "probeFirst",
      undefined,
    ],
    [
      "recorded Fallback, storage keys missing, control plane up",
      { ...recorded("Fallback"), readerKeys: "absent", probe: up },
      "normal",
      "ReaderKeyAbsent",
    ],
    [
      "storage keys missing, control plane down: starts by itself once they are back",
      { readerKeys: "absent" },
      "fallback",
      "ReaderKeyAbsent",
    ],
  ] as [string, Partial<StartFacts>, string, string | undefined][])("%s", ([, change, choice, reason]) => {
    const step = chooseStart({ ...outage, ...change });
    expect(step.probeFirst ? ["probeFirst"] : [step.choice, step.reason]).toEqual(
      reason === undefined ? [choice] : [choice, reason],
    );
  });
});

const OUTCOMES: ProbeOutcome[] = [
  "ok",
  "serverError",
  "denied",
  "refused",
  "reset",
  "timeout",
  "dnsFailure",
  "noRoute",
  "tlsLocal",
  "tlsRemote",
  "malformed",
  "aborted",
];
const MODES = ["Normal", "ToFallback", "Fallback", "ToNormal"] as const;
const EITHER = [true, false];

/** Every combination of every value: the table is total. */
function* everything(): Generator<StartFacts> {
  const probes: Probe[] = ["notAsked", ...OUTCOMES.flatMap((version) => OUTCOMES.map((read) => ({ version, read })))];
  const records: Recorded[] = ["absent", "unreadable", ...MODES.map((mode) => ({ mode, epoch: 1 }))];
  for (const record of records)
    for (const probe of probes)
      for (const proof of [{ digest: "sha256:1" }, "absent"] as const)
        for (const normal of EITHER)
          for (const fallback of EITHER)
            for (const readerKeys of ["present", "absent"] as const)
              yield { recorded: record, probe, proof, configs: { normal, fallback }, readerKeys };
}

describe("over every combination of facts", () => {
  const all = [...everything()];
  const choices = all.flatMap((facts) => {
    const step = chooseStart(facts);
    return step.probeFirst ? [] : [{ facts, ...step }];
  });
  const answered = ({ probe }: StartFacts) => probe !== "notAsked" && probe.version === "ok" && probe.read === "ok";
  const brokenBy = (broken: (c: (typeof choices)[number]) => boolean) => choices.filter(broken);

  test("there are as many as there should be", () => {
    expect(all.length).toBe(6 * 145 * 2 * 4 * 2);
    expect(choices.length).toBeGreaterThan(0);
  });
  test("nothing unproven is started, nor anything that is not there", () => {
    expect(
      brokenBy((c) => c.choice === "fallback" && (c.facts.proof === "absent" || !c.facts.configs.fallback)),
    ).toEqual([]);
    const possible = (c: (typeof choices)[number]) => c.facts.proof !== "absent" && c.facts.configs.fallback;
    expect(brokenBy((c) => c.choice === "normal" && !c.facts.configs.normal && possible(c))).toEqual([]);
  });
  test("a probe given is never asked for again, and is asked for at most where it can tell", () => {
    for (const facts of all) {
      const { probeFirst } = chooseStart(facts);
      if (probeFirst) expect([facts.probe, facts.configs.normal]).toEqual(["notAsked", true]);
    }
  });
  test("a control plane that answers is left only for a recorded fallback or for want of a normal configuration", () => {
    const allowed = new Set(["RecordedFallback", "NoNormalConfig"]);
    expect(brokenBy((c) => answered(c.facts) && c.choice === "fallback" && !allowed.has(c.reason))).toEqual([]);
  });
  test("a pod that would die in normal mode starts from the snapshot wherever it may", () => {
    const mayAndMust = ({ facts: f }: (typeof choices)[number]) =>
      f.proof !== "absent" &&
      f.configs.fallback &&
      f.probe !== "notAsked" &&
      !answered(f) &&
      f.probe.version !== "aborted" &&
      f.probe.read !== "aborted";
    expect(brokenBy((c) => mayAndMust(c) && c.choice === "normal")).toEqual([]);
  });
  test("losing a fact never turns normal into fallback, unless the fact was the control plane or its configuration", () => {
    for (const { facts, choice } of choices.filter((c) => c.choice === "normal" && c.facts.configs.normal)) {
      for (const lost of [{ recorded: "absent" }, { recorded: "unreadable" }, { proof: "absent" }] as const) {
        const after = chooseStart({ ...facts, ...lost });
        if (!after.probeFirst) expect([choice, after.choice]).toEqual(["normal", "normal"]);
      }
    }
  });
});

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
  const message = {
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
