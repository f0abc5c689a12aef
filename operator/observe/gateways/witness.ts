import type { ProbeOutcome } from "../../domain/choice.ts";

/** Did the control plane answer somebody who asked as a gateway does? undefined: they could not tell. */
export interface Witnessed {
  answered: boolean;
  /** The front answered and the read behind it did not: the mark of a dead database. */
  readFailed: boolean;
}

const NOBODY_THERE: readonly ProbeOutcome[] = ["refused", "reset", "timeout", "serverError", "tlsRemote"];

/**
 * The same reading as the operator's own probes get (gateway/api7/answer.ts): name resolution, routes, local TLS and
 * refused certificates say nothing about the control plane, so whoever met them is no witness.
 */
export function witnessed(version: ProbeOutcome, read: ProbeOutcome | undefined): Witnessed | undefined {
  if (version !== "ok") return NOBODY_THERE.includes(version) ? { answered: false, readFailed: false } : undefined;
  if (read === "ok") return { answered: true, readFailed: false };
  if (read === "serverError" || read === "timeout") return { answered: false, readFailed: true };
  return undefined;
}
