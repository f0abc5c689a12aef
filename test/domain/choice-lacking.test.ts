/** A control plane that answers and holds nothing, or less than it should, beside a proof. */
import { expect, test } from "vitest";
import { chooseStart, type StartFacts } from "../../operator/domain/choice.ts";

const NOTHING: Partial<StartFacts> = { probe: { version: "ok", read: "ok", count: 0 } };
test.for<[string, Partial<StartFacts>, string, string]>([
  ["it holds what it should", {}, "normal", "ControlPlaneAnswered"],
  ["it holds nothing", NOTHING, "fallback", "ControlPlaneLacking"],
  ["it holds nothing, and nothing is proven", { ...NOTHING, proof: "absent" }, "normal", "ControlPlaneAnswered"],
  [
    "it holds nothing, and a person took it for good",
    { ...NOTHING, content: "Accepted" },
    "normal",
    "ControlPlaneAnswered",
  ],
  ["it is recorded as Regressed", { content: "Regressed" }, "fallback", "ControlPlaneLacking"],
  ["it is recorded as Foreign", { content: "Foreign" }, "fallback", "ControlPlaneLacking"],
  ["Regressed, without storage keys", { content: "Regressed", readerKeys: "absent" }, "normal", "ControlPlaneAnswered"],
  ["how much it holds is not known", { probe: { version: "ok", read: "ok" } }, "normal", "ControlPlaneAnswered"],
])("a start beside a proof: %s", ([, change, choice, reason]) => {
  const facts: StartFacts = {
    recorded: { mode: "Normal", epoch: 0 },
    proof: { digest: "sha256:1" },
    probe: { version: "ok", read: "ok", count: 40 },
    configs: { normal: true, fallback: true },
    readerKeys: "present",
    ...change,
  };
  expect(chooseStart(facts)).toEqual({ probeFirst: false, choice, reason });
});
