import type { GroupFacts } from "../../domain/facts/facts.ts";
import type { Owner, OwnerFact } from "../../domain/facts/outside.ts";
import type { Mark } from "../store/beside.ts";
import type { ClusterIds } from "./cluster-id.ts";

/**
 * Are these keys of this cluster? The mark names a namespace by name and uid: one of that name with that uid is here, and
 * nowhere else. Groups of this cluster that share keys are told apart by PeerFacts.
 */
export async function ownerOf(
  clusters: Pick<ClusterIds, "of">,
  { namespace, name }: Pick<GroupFacts, "namespace" | "name">,
  mark: Mark,
): Promise<OwnerFact> {
  if (mark.seen === "unknown") return { is: "unknown", reason: mark.reason, why: mark.why };
  const own = await clusters.of(namespace);
  const us: Owner | undefined = "uid" in own ? { cluster: own.uid, namespace, name } : undefined;
  if (mark.seen === "nobody") {
    if (us) return { is: "nobody", us };
    return { is: "unknown", reason: "StoreOwnerUnknown", why: "why" in own ? own.why : "" };
  }
  const { owner, etag, lastModifiedMs } = mark;
  const theirs = owner.namespace === namespace ? own : await clusters.of(owner.namespace);
  if ("uid" in theirs && theirs.uid === owner.cluster) return { is: "ours", sinceMs: lastModifiedMs, etag };
  if (us === undefined) return { is: "unknown", reason: "StoreOwnerUnknown", why: "why" in own ? own.why : "" };
  // Without an answer nobody knows whether that namespace is here; what is published is not withdrawn on that.
  if (!("uid" in theirs || theirs.hidden)) return { is: "unknown", reason: "StoreOwnerUnknown", why: theirs.why };
  return { is: "another", owner, etag, us };
}
