import type { Mode } from "../../api/gateway-group-status.ts";
import type { Reason } from "../../api/reasons.ts";
import type { Evidence } from "../evidence/evidence.ts";
import type { Expectation } from "../evidence/expectation.ts";
import type { Facts } from "../facts/facts.ts";
import type { Motion } from "../motion/input.ts";
import type { Readiness } from "../snapshot/proof.ts";
import type { Words } from "./orders.ts";

/** What the recorded mode becomes, or why it stays. Pure; the only place where a mode changes. */
export interface ModeStep {
  /** Present when the mode moves in this loop. */
  move?: { to: Mode; reason: Reason };
  /** Something is being waited for; shown in conditions and summary. */
  waiting?: { reason: Reason; message: string; leftMs?: number };
  /** modePolicy Observe: where it would move now. */
  would?: "ToFallback" | "ToNormal";
  /** Only status and events are written (see `isInert`), or nothing that serves is touched (the others). */
  held?: { reason: Reason; message: string };
  wantsCanary: boolean;
}

export interface ModeInput {
  facts: Facts;
  words: Words;
  evidence: Evidence;
  readiness: Readiness;
  expectation: Expectation;
  /** Has the start choice been told of the present mode and epoch? */
  published: boolean;
  /** What the motion of pods still has to do in the present mode. */
  motion: Pick<Motion, "remaining" | "stuck">;
  /** May pods that serve be moved to the snapshot now? */
  motionDue: boolean;
}
