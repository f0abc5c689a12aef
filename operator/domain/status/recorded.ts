import type { Mode } from "../../api/gateway-group-status.ts";
import type { Reason } from "../../api/reasons.ts";
import { short } from "../values/digest.ts";
import type { Saying } from "./conditions.ts";
import type { StatusInput } from "./input.ts";

/** The mode that this very status records: where it moves, every condition speaks of the new one. */
export const recordedMode = ({ step, situation }: Pick<StatusInput, "step" | "situation">): Mode =>
  step.move?.to ?? situation.mode;

const STARTS: Record<Exclude<Mode, "Normal">, (digest: string) => string> = {
  ToFallback: (digest) => `pods that start use snapshot ${digest}`,
  Fallback: (digest) => `pods that start use snapshot ${digest}`,
  ToNormal: (digest) =>
    `pods that start follow the control plane again, and those that run from snapshot ${digest} are replaced`,
};

export function fallbackActive(input: StatusInput): Saying[] {
  const { step, situation, pipeline } = input;
  const mode = recordedMode(input);
  if (mode === "Normal") return [];
  const reason = step.move?.reason ?? ((situation.facts.group.status.modeReason ?? "FallbackReached") as Reason);
  const digest = short(pipeline.status.digest ?? "unknown");
  return [{ type: "FallbackActive", status: "True", reason, message: `Mode ${mode}: ${STARTS[mode](digest)}` }];
}

/** The mode is recorded before it is acted on: with the record alone nothing is done yet. */
export const movingSaying = (to: Mode): Saying => ({
  type: "Reconciling",
  status: "True",
  reason: "Progressing",
  message: `Mode ${to} is recorded; the objects follow`,
});
