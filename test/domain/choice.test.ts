import { describe, expect, test } from "vitest";
import {
  chooseStart,
  type Probe,
  type ProbeOutcome,
  type Recorded,
  type RecordedMode,
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
const recorded = (mode: RecordedMode, change: Partial<StartFacts> = {}): Partial<StartFacts> => ({
  recorded: { mode, epoch: 4 },
  ...change,
});
const said = (version: ProbeOutcome, read: ProbeOutcome = version): Partial<StartFacts> => ({
  probe: { version, read },
});
const up = said("ok");
const unasked: Partial<StartFacts> = { probe: "notAsked" };
const unproven: Partial<StartFacts> = { proof: "absent" };
const noKeys: Partial<StartFacts> = { readerKeys: "absent" };
const configs = (normal: boolean, fallback: boolean): Partial<StartFacts> => ({ configs: { normal, fallback } });

describe("the start choice", () => {
  test.for<[sentence: string, change: Partial<StartFacts>, expected: string]>([
    ["it is asked first", unasked, "ask"],
    ["it answers", up, "normal ControlPlaneAnswered"],
    ["nobody listens there", {}, "fallback ControlPlaneSilent"],
    ["its front answers, its database is silent", said("ok", "timeout"), "fallback ControlPlaneSilent"],
    ["its front answers, its database fails", said("ok", "serverError"), "fallback ControlPlaneSilent"],
    ["no such name: a gateway would not get in either", said("dnsFailure"), "fallback ControlPlaneSilent"],
    ["TLS refuses our certificate", said("tlsLocal"), "fallback ControlPlaneSilent"],
    ["it says 403: a normal start would die, too", said("denied"), "fallback ControlPlaneRefusedUs"],
    ["it says 401 to the read alone", said("ok", "denied"), "fallback ControlPlaneRefusedUs"],
    ["it says 403, and nothing is proven", { ...said("denied"), ...unproven }, "normal NoProof"],
    ["the probe broke off: unknown moves nothing", said("aborted"), "normal ProbeAborted"],
    ["half of the probe broke off", said("timeout", "aborted"), "normal ProbeAborted"],
    ["no proof for this template", unproven, "normal NoProof"],
    ["no fallback configuration", configs(true, false), "normal NoFallbackConfig"],
    ["no normal configuration", { ...configs(false, true), ...unasked }, "fallback NoNormalConfig"],
    ["neither configuration", configs(false, false), "normal NoNormalConfig"],
    ["no normal configuration, nothing proven", { ...configs(false, true), ...unproven }, "normal NoNormalConfig"],
    ["recorded Fallback: no probe", recorded("Fallback", unasked), "fallback RecordedFallback"],
    ["recorded ToFallback: no probe", recorded("ToFallback", unasked), "fallback RecordedFallback"],
    ["recorded Fallback, though it would answer", recorded("Fallback", up), "fallback RecordedFallback"],
    ["recorded Fallback, nothing proven: asks", recorded("Fallback", { ...unproven, ...unasked }), "ask"],
    [
      "recorded Fallback, nothing proven, up",
      recorded("Fallback", { ...unproven, ...up }),
      "normal ControlPlaneAnswered",
    ],
    ["recorded Fallback, nothing proven, down", recorded("Fallback", unproven), "normal NoProof"],
    ["recorded ToNormal: the group returns, its pods ask", recorded("ToNormal", unasked), "ask"],
    ["recorded ToNormal, up", recorded("ToNormal", up), "normal ControlPlaneAnswered"],
    ["recorded ToNormal, gone again", recorded("ToNormal"), "fallback ControlPlaneSilent"],
    ["nothing recorded, up", { recorded: "absent", ...up }, "normal ControlPlaneAnswered"],
    ["the record is unreadable, its proof is not", { recorded: "unreadable" }, "fallback ControlPlaneSilent"],
    ["recorded Fallback, keys missing: asks", recorded("Fallback", { ...noKeys, ...unasked }), "ask"],
    ["recorded Fallback, keys missing, up", recorded("Fallback", { ...noKeys, ...up }), "normal ReaderKeyAbsent"],
    ["keys missing, down: starts by itself once they are back", noKeys, "fallback ReaderKeyAbsent"],
  ])("%s", ([, change, expected]) => {
    const step = chooseStart({ ...outage, ...change });
    expect(step.probeFirst ? "ask" : `${step.choice} ${step.reason}`).toBe(expected);
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
