import type { GatewayGroupStatus } from "../../api/gateway-group-status.ts";
import type { Reason } from "../../api/reasons.ts";
import type { Facts } from "../facts/facts.ts";
import type { SnapshotWarningFact } from "../facts/outside.ts";
import type { Saying } from "../status/conditions.ts";
import { found } from "./pairs.ts";

type Warnings = NonNullable<NonNullable<GatewayGroupStatus["snapshot"]>["warnings"]>;

/** As the schema of status bounds the list, and how many of it a condition's message quotes. */
const LISTED_MAX = 20;
const QUOTED = 3;

/** `status.snapshot.warnings`; undefined: there are none. What cannot be read just now is as it was. */
export function warningsOf({ snapshot }: Facts, before: Warnings | undefined): Warnings | undefined {
  const pairs = [snapshot.verified, snapshot.raw];
  const seen = pairs.map(found).filter((pair) => pair !== undefined);
  if (seen.length === 0 && pairs.some((pair) => pair.seen === "unknown")) return before;
  const all = new Map(seen.flatMap(({ warnings }) => warnings.map((one) => [nameOf(one), one] as const)));
  if (all.size === 0) return undefined;
  return [...all.values()].slice(0, LISTED_MAX).map(bounded);
}

const nameOf = ({ reason, kind, id = "", path = "" }: SnapshotWarningFact): string =>
  [reason, kind, id, path].join(" ");

function bounded({ reason, kind, id, path, message }: SnapshotWarningFact): Warnings[number] {
  return {
    reason: reason.slice(0, 64),
    kind: kind.slice(0, 64),
    ...(id === undefined ? {} : { id: id.slice(0, 128) }),
    ...(path === undefined ? {} : { path: path.slice(0, 256) }),
    message: message.slice(0, 512),
  };
}

export function warningsSaying(warnings: Warnings | undefined): Saying[] {
  const [first] = warnings ?? [];
  if (warnings === undefined || first === undefined) return [];
  const quoted = warnings.slice(0, QUOTED).map(({ message }) => message);
  const left = warnings.length - quoted.length;
  const more = left === 0 ? "" : `; and ${left} more in status.snapshot.warnings`;
  return [
    {
      type: "SnapshotWarnings",
      status: "True",
      reason: first.reason as Reason,
      message: `${quoted.join("; ")}${more}`,
    },
  ];
}
