import { childName } from "../../api/names.ts";
import { type PublishedContent, parseContent, parseExpected, parseProofs } from "../choice.ts";
import type { Publication } from "../desired/config-maps.ts";
import { START_KEY } from "../desired/config-maps.ts";
import type { Children } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import { isBeingRestored } from "./generations.ts";
import { mostVerified } from "./shrink.ts";

/** What pods that start are told now, by the ConfigMap as it stands. */
export interface LiveStart {
  proofs: Readonly<Record<string, { digest: string; verifiedAt: string }>>;
  content?: PublishedContent;
  /** What was verified when it was last known, in objects per kind. */
  expected?: Readonly<Record<string, number>>;
}

export function liveStart({ byName }: Pick<Children, "byName">, group: string): LiveStart {
  const object = byName.get(`ConfigMap/${childName.start(group)}`);
  const text = (object?.["data"] as Record<string, string> | undefined)?.[START_KEY] ?? "";
  const content = parseContent(text);
  const expected = parseExpected(text);
  return {
    proofs: parseProofs(text),
    ...(content === undefined ? {} : { content }),
    ...(expected === undefined ? {} : { expected }),
  };
}

/** A group that lost its status goes on telling what it told, until it knows better. */
export const expectedToPublish = ({ children, group }: Facts): LiveStart["expected"] =>
  mostVerified(group.status.snapshot) ?? liveStart(children, group.name).expected;

/**
 * Proofs for what stands under the verified key now, for every template that was proven with it. Where pods read another
 * place than we do, what we see says nothing about theirs. A group that lost its status takes over what its pods are told,
 * as long as it cannot know better.
 */
export function publishableProofs(facts: Facts, elsewhere: boolean): Publication["proofs"] {
  const recorded = facts.group.status.snapshot;
  const { verified } = facts.snapshot;
  if (verified.seen === "absent" && !elsewhere) return {};
  if (recorded?.proofs === undefined) return takenOver(facts, elsewhere);
  const seen = verified.seen === "found" && !elsewhere && !isBeingRestored(facts);
  const digest = seen ? verified.digest : recorded.digest;
  const proofs = recorded.proofs.filter((proof) => proof.digest === digest);
  return Object.fromEntries(proofs.map((proof) => [proof.key, { digest: proof.digest, verifiedAt: proof.at }]));
}

function takenOver({ children, group, snapshot: { verified } }: Facts, elsewhere: boolean): Publication["proofs"] {
  const { proofs } = liveStart(children, group.name);
  if (verified.seen !== "found" || elsewhere) return proofs;
  return Object.fromEntries(Object.entries(proofs).filter(([, { digest }]) => digest === verified.digest));
}
