import { ANNOTATION } from "../../api/names.ts";
import { MARK } from "../desired/common.ts";
import type { KubeObject } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import { describeDiff } from "../objects/diff.ts";

/** Inputs hash of a template that was put back in an outage: matches nothing, so the wanted one is applied again. */
export const RESTORED = "restored";

/** By the parts of an inputs hash; the last is the exporter's alone. */
const CHANGES = [
  "the spec changed",
  "the FallbackStorage or the names of its keys changed",
  "the client certificate was renewed",
  "the exporter's keys were renewed",
];

/** Why a Deployment is written anew: what changed since it was written. People read it in the Event of a restart. */
export function causeOf(desired: KubeObject, live: KubeObject | undefined, copied = false): string {
  const was = markOf(live, ANNOTATION.inputsHash);
  const is = markOf(desired, ANNOTATION.inputsHash)?.split(".") ?? [];
  if (was === undefined) return "it lacks the marks of this version of Holdfast";
  if (was === RESTORED) return "the roll that the outage broke off begins anew";
  const before = was.split(".");
  const changed = CHANGES.filter((_, part) => before[part] !== is[part]);
  if (changed.length > 0) return changed.join(", ");
  if (copied && describeDiff(desired, live) === undefined)
    return "it was restored from a copy: its fields are taken over";
  if (isAsMeant(desired, live)) return `a hand edit is taken back: ${describeDiff(desired, live) ?? "a field"}`;
  const template = markOf(desired, ANNOTATION.templateHash); // exporters of former versions have none
  if (template === undefined || template !== markOf(live, ANNOTATION.templateHash)) return UPGRADED;
  return "the spec or this version of Holdfast wants another one around the same pods";
}

const UPGRADED = "this version of Holdfast makes another one of the same spec";

/** It was written for what is wanted now: whatever differs, somebody else changed. */
export const isAsMeant = (desired: KubeObject, live: KubeObject | undefined): boolean =>
  markOf(live, MARK.appliedHash) === markOf(desired, MARK.appliedHash);

export const isCopy = ({ children }: Pick<Facts, "children">, { kind, metadata }: KubeObject): boolean =>
  children.copies?.has(`${kind}/${metadata.name}`) ?? false;

const markOf = (object: KubeObject | undefined, mark: string): string | undefined =>
  object?.metadata.annotations?.[mark];
