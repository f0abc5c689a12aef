import { ANNOTATION } from "../../api/names.ts";
import type { Facts } from "../facts/facts.ts";
import type { Owner } from "../facts/outside.ts";
import type { Problem } from "../facts/problem.ts";
import type { Step } from "../plan.ts";

/**
 * Whose keys these are. Two clusters with one bucket and one short id would overwrite each other's snapshots, and in an
 * outage serve each other's routes: a mark beside the pair names one owner, and for everybody else nothing is written there,
 * exported, or published.
 */

/** Readers always say something of it; a test that is about other things need not: then they are ours, and always were. */
const OURS = { is: "ours", sinceMs: 0, etag: "" } as const;
const ownerOf = ({ snapshot }: Facts) => snapshot.owner ?? OURS;

export const isOurStore = (facts: Facts): boolean => ownerOf(facts).is === "ours";
export const isAnothersStore = (facts: Facts): boolean => ownerOf(facts).is === "another" && !isTakenOver(facts);

/** Pairs that were written since the mark is ours are ours, whatever this group remembers. */
export function oursSince(facts: Facts): number | undefined {
  const owner = ownerOf(facts);
  return owner.is === "ours" ? owner.sinceMs : undefined;
}

export const ownerText = ({ cluster, namespace, name }: Owner): string => `${cluster}/${namespace}/${name}`;

/** A person names the owner that is to be replaced: a word for one cluster takes nothing from another. */
function isTakenOver(facts: Facts): boolean {
  const owner = ownerOf(facts);
  return owner.is === "another" && facts.group.annotations[ANNOTATION.takeStore]?.trim() === ownerText(owner.owner);
}

/** The mark comes first: before it is there, nothing else is written. */
export function claim(facts: Facts): Step[] {
  const owner = ownerOf(facts);
  if (owner.is === "nobody") return [{ do: "claimStore", owner: owner.us, why: "nobody owns these keys" }];
  if (owner.is !== "another" || owner.us === undefined || !isTakenOver(facts)) return [];
  return [{ do: "claimStore", owner: owner.us, over: owner.etag, why: `taken over from ${ownerText(owner.owner)}` }];
}

/** A store that does not answer is told elsewhere. */
export function ownerProblem(facts: Facts): Problem | undefined {
  const owner = ownerOf(facts);
  const field = "spec.fallback.storageRef";
  if (owner.is === "another" && !isTakenOver(facts))
    return { reason: "StoreOwnedByAnother", field, message: `${anotherText(facts)}` };
  if (owner.is !== "unknown" || owner.reason === "StorageUnavailable") return undefined;
  const message = `Whose keys "${facts.group.spec.shortID}" are is not known, so nothing new is written there: ${owner.why}`;
  return { reason: owner.reason, field, message };
}

export function anotherText(facts: Facts): string {
  const owner = ownerOf(facts);
  const who = owner.is === "another" ? owner.owner : { cluster: "", namespace: "", name: "" };
  const { shortID } = facts.group.spec;
  return `The keys of "${shortID}" in this store belong to GatewayGroup "${who.namespace}/${who.name}" of another cluster (namespace uid ${who.cluster}): give one of them another store or short id. If that one is gone: annotate ${ANNOTATION.takeStore}=${ownerText(who)}, or remove the object "${shortID}-owner" from the resource bucket`;
}
