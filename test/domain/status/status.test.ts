/** Whatever is seen, the status does not contradict itself: its mode, its conditions, their reasons and messages, its summary. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Condition } from "../../../operator/api/common.ts";
import type { GatewayGroupStatus } from "../../../operator/api/gateway-group-status.ts";
import type { Facts } from "../../../operator/domain/facts/facts.ts";
import { refusedPlan } from "../../../operator/domain/laws/refused-plan.ts";
import { anyFacts } from "../any-facts.ts";
import { type Loose, planOf } from "../deciding.ts";

const seed = Number(process.env["HOLDFAST_PROPERTY_SEED"] ?? 20_261_201);
const numRuns = 60 * Number(process.env["HOLDFAST_PROPERTY_RUNS"] ?? 24);

const find = (status: GatewayGroupStatus, type: string): Condition | undefined =>
  status.conditions?.find((one) => one.type === type);

/** What a message of this reason must say, and may not. */
const SAYS: Readonly<Record<string, RegExp>> = {
  "Ready Serving": /^\d+ wanted, and as many serve$/,
  "Ready ScaledToZero": /^No traffic pods are wanted$/,
  "Ready PodsMissing": /^\d+ of \d+ traffic pods serve/,
  "Reconciling Settled": /^Nothing is left to do$/,
  "Reconciling WouldMove": /modePolicy is Observe/,
  "Stalled Accepted": /^Nothing in the input is wrong$/,
  "ControlPlaneReachable ControlPlaneAnswers": /Holdfast sees readsOk/,
  "ControlPlaneReachable ControlPlaneLost": /Holdfast sees (?!readsOk)/,
  "ControlPlaneReachable ControlPlaneSlow": /Holdfast sees readTimeout/,
  "ControlPlaneReachable GatewaysCutOff": /Holdfast sees readsOk.*[1-9]\d* disconnected/,
  "ControlPlaneReachable WatchesBlind": /^No sign of the API server on the watch of/,
  "FallbackReady Proven": /^Snapshot \w+ is proven with/,
  "FallbackReady Unpublished": /No proof is published/,
  "Held Suspended": /spec\.suspend is true/,
  "Held HoldOrdered": /says Hold/,
  "Held WatchesBlind": /No sign of the API server/,
  "Held NoProof": /fallback is not ready/,
};

/** Types whose status is the whole truth of one thing: which status goes with which reasons that say all is well. */
const WELL: Readonly<Record<string, readonly string[]>> = {
  Ready: ["Serving", "ScaledToZero"],
  ControlPlaneReachable: ["ControlPlaneAnswers", "PartlyCutOff"],
  FallbackReady: [
    "Proven",
    "ProvenWithout",
    "ServingOldSnapshot",
    "ExportLate",
    "ExporterKeyIgnored",
    "WrittenByAnother",
  ],
};

function contradictions({ status, recordsMode }: { status: GatewayGroupStatus; recordsMode: boolean }): string[] {
  const found: string[] = [];
  const check = (holds: boolean, what: string) => void (holds || found.push(what));
  const mode = status.mode ?? "Normal";
  const active = find(status, "FallbackActive");
  check((active !== undefined) === (mode !== "Normal"), `mode ${mode} beside FallbackActive ${active?.status}`);
  if (active) {
    check(active.message.startsWith(`Mode ${mode}:`), `mode ${mode} beside "${active.message}"`);
    check(active.reason === (status.modeReason ?? "FallbackReached"), `${active.reason} is not ${status.modeReason}`);
  }
  const reconciling = find(status, "Reconciling");
  check(!recordsMode || reconciling?.status === "True", "a move is recorded, and nothing is left to do");
  check(!recordsMode || reconciling?.message === `Mode ${mode} is recorded; the objects follow`, "of another mode");
  check((reconciling?.reason === "Settled") === (reconciling?.status === "False"), "settled, and not");
  for (const { type, reason, status: is, message } of status.conditions ?? []) {
    check(SAYS[`${type} ${reason}`]?.test(message) ?? true, `${type} ${reason}: ${message}`);
    const well = WELL[type];
    if (well) check(is !== "True" || well.includes(reason), `${type} is True: ${reason}`);
    check(!/\b(spec\.[\w.]+): \1\b/.test(message), `${type} says it twice: ${message}`);
    check(message.trim() !== "" && !/undefined|\[object/.test(message), `${type}: "${message}"`);
  }
  return [...found, ...ofSummary(status)];
}

const BAD_STATUS: Readonly<Record<string, string[]>> = {
  Ready: ["False", "Unknown"],
  FallbackReady: ["False", "Unknown"],
};
const CALM = ["Reconciling", "ControlPlaneReachable", "FallbackActive"];

function ofSummary(status: GatewayGroupStatus): string[] {
  const { summary = "", conditions = [] } = status;
  const found: string[] = [];
  const bad = conditions.filter(
    ({ type, status: is }) => !CALM.includes(type) && (BAD_STATUS[type] ?? ["True"]).includes(is),
  );
  for (const { type, message } of bad)
    if (!summary.includes(message.slice(0, 60).replace(/[.\s]+$/, "")) && summary.length < 999)
      found.push(`summary lacks ${type}: ${summary}`);
  if (/All 0/.test(summary)) found.push(summary);
  const calm = /serve, from the control plane/.test(summary);
  const lacks = conditions.some(({ type }) => type === "ControlPlaneRegressed");
  const reachable = find(status, "ControlPlaneReachable")?.status === "True";
  if (calm && (lacks || !reachable || (status.mode ?? "Normal") !== "Normal")) found.push(`calm: ${summary}`);
  return found;
}

test("no status contradicts itself, whatever the facts are", { timeout: 300_000 }, () => {
  fc.assert(
    fc.property(anyFacts, ({ facts, memory }) => {
      expect(contradictions(planOf(facts, memory))).toEqual([]);
    }),
    { numRuns, seed },
  );
});

test("nor does that of a plan that was refused", { timeout: 300_000 }, () => {
  fc.assert(
    fc.property(anyFacts, ({ facts, memory }) => {
      // One that was written before, so that there is something to go back to.
      const before: Loose = { ...facts, group: { ...facts.group, spec: { ...facts.group.spec, suspend: true } } };
      facts.group.status = planOf(before, memory).status;
      const plan = refusedPlan(facts as Facts, planOf(facts, memory), ["law"]);
      const { conditions = [], mode = "Normal" } = plan.status;
      const active = conditions.find(({ type }) => type === "FallbackActive");
      expect(active?.message.split(":")[0]).toBe(mode === "Normal" ? undefined : `Mode ${mode}`);
      expect(conditions.some(({ message }) => /is recorded; the objects follow/.test(message))).toBe(false);
    }),
    { numRuns: numRuns / 4, seed },
  );
});
