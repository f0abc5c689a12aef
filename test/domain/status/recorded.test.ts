/** A status that records a move speaks of the new mode in every condition. */
import { expect, test } from "vitest";
import type { GatewayGroupStatus } from "../../../operator/api/gateway-group-status.ts";
import { healthy, held, inMode, type Loose, lose, planOf } from "../deciding.ts";

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
  const { facts } = healthy();
  inMode(facts, "Fallback", 60_000);
  facts.group.spec.modePolicy = "Normal";
  const memory = {
    ...held(facts, "Reachable", 60_000),
    moveFailedMs: facts.monoMs,
    moveFailedWhy: "SurgeImpossible" as const,
  };
  const before = planOf(
    { ...facts, group: { ...facts.group, spec: { ...facts.group.spec, modePolicy: "Fallback" } } },
    memory,
  );
  const plan = planOf(facts, memory);
  expect([plan.recordsMode, find(plan.status, "Held")]).toEqual([true, undefined]);
  expect(before.recordsMode).toBe(false);
});
