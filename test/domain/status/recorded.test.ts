/** A status that records a move speaks of the new mode in every condition. */
import { expect, test } from "vitest";
import type { GatewayGroupStatus } from "../../../operator/api/gateway-group-status.ts";
import { fromSnapshot, healthy, held, inMode, type Loose, lose, planOf } from "../deciding.ts";

const find = (status: GatewayGroupStatus, type: string) => status.conditions?.find((one) => one.type === type);

test.for<[string, (facts: Loose) => void, "Reachable" | "Unreachable", string, RegExp]>([
  ["a flip", (f) => lose(f), "Unreachable", "ToFallback", /^Mode ToFallback: pods that start use snapshot \w+$/],
  [
    "a return",
    (f) => {
      inMode(f, "Fallback", 60_000);
      f.group.spec.modePolicy = "Normal";
    },
    "Reachable",
    "ToNormal",
    /^Mode ToNormal: pods that start follow the control plane again, and those that run from snapshot \w+ are replaced$/,
  ],
])("what records %s speaks of the new mode", ([, change, word, mode, message]) => {
  const { facts } = healthy();
  change(facts);
  const { status, recordsMode } = planOf(facts, held(facts, word, 60_000));
  expect([recordsMode, status.mode, find(status, "Reconciling")?.status]).toEqual([true, mode, "True"]);
  expect(find(status, "FallbackActive")).toMatchObject({
    reason: status.modeReason,
    message: expect.stringMatching(message),
  });
});

test("what kept the pods of the former mode from moving is over with it", () => {
  const heldBy = (modePolicy: string) => {
    const { facts } = healthy();
    inMode(facts, "ToNormal", 600_000);
    fromSnapshot(facts);
    facts.group.spec.modePolicy = modePolicy;
    const failed = { moveFailedMs: facts.monoMs, moveFailedWhy: "CanaryFailed" as const };
    const { status, recordsMode } = planOf(facts, { ...held(facts, "Reachable", 60_000), ...failed });
    return [recordsMode, find(status, "Held")?.reason];
  };
  expect([heldBy("Auto"), heldBy("Fallback")]).toEqual([
    [false, "CanaryFailed"],
    [true, undefined],
  ]);
});
