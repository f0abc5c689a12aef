import type { ControlPlaneFacts, OperatorView } from "../../domain/facts/outside.ts";
import { classifyVersionRead } from "../../gateway/api7/answer.ts";
import type { ControlPlaneProbe } from "../../gateway/api7/probe.ts";

/** The gateway boundary's view in the words of the verdict table. No numbers in it: a detail that moves is a write. */
export function viewOf({ version, read }: ControlPlaneProbe): OperatorView {
  const seen = classifyVersionRead(version, read);
  switch (seen.seen) {
    case "up":
      if (seen.reads === "answered") return { view: "readsOk" };
      if (seen.reads === "timedOut") return { view: "readTimeout", detail: "its read was not answered" };
      return { view: "serverError", detail: "its read was answered with an error" };
    case "down":
      return { view: "down", detail: seen.why };
    case "misconfigured":
      return { view: "misconfigured", detail: detailOf(version, read, seen.why) };
    case "unknown":
      return { view: seen.why === "noRoute" ? "noRoute" : "unknown", detail: detailOf(version, read, seen.why) };
    default:
      return seen satisfies never;
  }
}

/** Whether the read found any key: in words and not as a number, as each new route would wake every group. */
export function contentSeenBy({ view }: OperatorView, { count }: ControlPlaneProbe): ControlPlaneFacts["contentSeen"] {
  if (view !== "readsOk" || count === undefined) return undefined;
  return count === 0 ? "none" : "some";
}

function detailOf(version: ControlPlaneProbe["version"], read: ControlPlaneProbe["read"], why: string): string {
  const answer = version.kind === "ok" ? (read ?? version) : version;
  if (answer.kind === "tlsLocal" || answer.kind === "tlsRemote") return `${why}: ${answer.reason}`;
  if (answer.kind === "dnsFailure" || answer.kind === "noRoute") return `${why}: ${answer.code}`;
  if (answer.kind === "denied" || answer.kind === "malformed") return `${why}: HTTP ${answer.status}`;
  return why;
}
