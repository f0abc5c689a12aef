import { type AuditedWrite, auditedWrites } from "../lab/audit.ts";
import type { Stage } from "./stage.ts";

/** What Holdfast wrote since `since`, its Lease apart: from the API server's own log. A refused write counts as well. */
export function writesSince(stage: Stage, since: Date): AuditedWrite[] {
  const path = process.env["HOLDFAST_LAB_AUDIT_LOG"];
  if (!path) throw new Error("HOLDFAST_LAB_AUDIT_LOG is not set: run this inside of the lab (hack/lab exec -- ...)");
  const user = `system:serviceaccount:${stage.system}:holdfast`;
  return auditedWrites(path, (write) => write.user === user && write.at > since && write.resource !== "leases");
}

/** One line per write, for messages. */
export const inWords = (writes: readonly AuditedWrite[]): string[] =>
  writes.map(({ at, verb, resource, name, code }) => `${at.toISOString()} ${verb} ${resource} ${name} ${code}`);
