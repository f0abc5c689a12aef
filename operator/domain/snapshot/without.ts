import type { HelperPodFact } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import { howToAcceptWithout, withoutAccepted } from "../mode/approvals.ts";
import { found } from "./pairs.ts";
import type { Pipeline } from "./pipeline-state.ts";

/**
 * A gateway that starts from a snapshot drops what it would serve with a control plane: an item whose plugin is not enabled,
 * one that is not valid. One such item must not keep the whole group from a proof. What a normal gateway serves now cannot be
 * asked for (its control API listens on 127.0.0.1 of its pod), so each item of an export counts as served: a person, or
 * `spec.fallback.snapshot.tolerate`, says that the group may go without it.
 */

type Failed = Extract<HelperPodFact["result"], { state: "failed" }>;

/** Names of all items that were not loaded; undefined where that is not why it failed, or where not all can be named. */
export function missingIn({ fewer }: Failed): readonly string[] | undefined {
  if (fewer?.missing === undefined || fewer.missing.length === 0 || fewer.more > 0) return undefined;
  // A gateway without any route answers 404 to everything: nobody can want that as a proof.
  const noRoute = fewer.seen["routes"] === 0 && fewer.missing.some((name) => name.startsWith("routes/"));
  return noRoute ? undefined : fewer.missing;
}

export type Tolerated = { by: "spec" | "before" | "person"; names: readonly string[] };

/** May a snapshot be proven without these items? undefined: no. */
export function tolerated(
  facts: Facts,
  status: Pipeline["status"],
  digest: string,
  key: string,
  failed: Failed,
): Tolerated | undefined {
  const names = missingIn(failed);
  if (names === undefined) return undefined;
  // Every route may hang on one service or upstream: for those a person is asked.
  const routesAlone = names.every((name) => name.startsWith("routes/"));
  if (routesAlone && names.length <= facts.group.spec.fallback.snapshot.tolerate) return { by: "spec", names };
  if (isWithin(names, withoutBefore(facts, status, digest, key))) return { by: "before", names };
  const { lastRehearsal } = facts.group.status.snapshot ?? {};
  // Accepted is what the message named, and no item more.
  const named = lastRehearsal?.digest === digest ? (lastRehearsal.missing ?? []) : [];
  return withoutAccepted(facts, digest) && isWithin(names, named) ? { by: "person", names } : undefined;
}

/**
 * What is missing in the verified snapshot already, or was in this one with the image that runs: nobody is asked again. What another
 * template goes without, which has no pods, was accepted for that one alone.
 */
function withoutBefore(
  { pods }: Facts,
  { proofs = [], digest: verified }: Pipeline["status"],
  digest: string,
  key: string,
): readonly string[] {
  const ofPairs = proofs.filter((proof) => proof.digest === verified || proof.digest === digest);
  const own = ofPairs.filter((proof) => proof.key === key);
  const running = ofPairs.filter((proof) => pods.some(({ proofKey }) => proofKey === proof.key));
  return (own.length > 0 ? own : running).flatMap(({ without = [] }) => without);
}

const isWithin = (names: readonly string[], allowed: readonly string[]): boolean =>
  names.every((name) => allowed.includes(name));

/** What a person reads of a rehearsal that failed: which items, what is to be done. */
export function failureText(facts: Facts, digest: string, failed: Failed): string {
  return [failed.message, missingText(facts, digest, failed), ...refusedWhole(facts, digest)]
    .filter((part) => part !== "")
    .join(". ");
}

function missingText(facts: Facts, digest: string, failed: Failed): string {
  const { missing = [], more = 0 } = failed.fewer ?? {};
  if (missing.length === 0) return "";
  const listed = `Not loaded: ${missing.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  if (more > 0) return `${listed}, too many to be accepted: correct or remove them`;
  if (missingIn(failed) === undefined) return `${listed}. No route is left: this cannot be accepted`;
  return `${listed}. Correct or remove what is named, or, to go without it in fallback: ${howToAcceptWithout(facts, digest)}`;
}

const QUOTED = 3;

/** [M] One variable that is not set makes a gateway refuse the whole file: then nothing of it is loaded. */
function refusedWhole({ snapshot }: Facts, digest: string): string[] {
  const pairs = [snapshot.raw, snapshot.candidate, snapshot.verified].map(found);
  const [warnings = []] = pairs.flatMap((pair) => (pair?.digest === digest && pair.warnings[0] ? [pair.warnings] : []));
  return warnings
    .filter(({ reason }) => reason === "VariableInSnapshot")
    .slice(0, QUOTED)
    .map(({ message }) => message);
}

/** "" or ", without routes/17 and services/3". */
export const withoutText = (names: readonly string[] | undefined): string =>
  names === undefined || names.length === 0 ? "" : `, without ${names.join(", ")}`;
