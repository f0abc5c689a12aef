import { ANNOTATION } from "../../api/names.ts";
import { VOLUME } from "../desired/common.ts";
import type { Desired } from "../desired/index.ts";
import { configMapOf } from "../desired/live.ts";
import type { KubeTemplate } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import type { VerdictWord } from "../facts/outside.ts";
import { nothingServes, withPods } from "../templates/live.ts";
import { usable } from "./pairs.ts";
import { retryFailedMs } from "./pipeline-rehearse.ts";
import { isProven } from "./proof.ts";

/** A template, and its proof's key; without a template it is the wanted one. */
export interface TemplateToProve {
  key: string;
  template?: KubeTemplate;
}

/**
 * Which template is to be proven next. Usually what pods start from now. One that cannot be proven (a mistyped image, a
 * storage that was wrong) must not keep the others from it: they take turns, and the pause after failures comes once per
 * turn.
 */
export function toRehearse(facts: Facts, wish: Desired, active: TemplateToProve, word: VerdictWord): TemplateToProve {
  const open = candidates(facts, wish, active, word).filter((one) => !isProven(facts, one.key));
  const [first] = open;
  if (first === undefined) return active;
  const last = facts.group.status.snapshot?.lastRehearsal;
  const at = last?.result === "Failed" ? open.findIndex(({ key }) => key === last.key) : -1;
  const current = open[at];
  if (last === undefined || current === undefined) return first;
  if (hasOtherPair(facts, last.digest)) return current;
  const isOver = facts.nowMs - Date.parse(last.at) >= retryFailedMs(facts);
  return open[at + 1] ?? (isOver ? first : current);
}

/** In the order of their turns: what starts now; in an outage what still has pods; a change that waits. */
function candidates(facts: Facts, wish: Desired, active: TemplateToProve, word: VerdictWord): TemplateToProve[] {
  const sets = withPods(facts.children.traffic ?? { replicaSets: [] });
  const others = sets.flatMap(({ proofKey, template }) =>
    proofKey === undefined ? [] : [{ key: proofKey, template }],
  );
  const noneProven = ![active, ...others].some(({ key }) => isProven(facts, key));
  const lost = word !== "Reachable" && noneProven;
  const asked = facts.group.annotations[ANNOTATION.restartAt];
  const askedNow = asked !== undefined && asked !== facts.group.status.restartedAt;
  const changeToo = askedNow || lost || nothingServes(facts);
  const all = [active, ...(lost ? others : []), ...(changeToo ? [{ key: wish.proofKey }] : [])];
  const firstOf = (one: TemplateToProve, index: number) => all.findIndex(({ key }) => key === one.key) === index;
  return all
    .filter(firstOf)
    .filter(({ template }) => configMapOf(template ?? wish.template, VOLUME.fallback) !== undefined);
}

/** Of two pairs the other one has its turn first, with the same template. */
function hasOtherPair({ snapshot }: Facts, failed: string): boolean {
  const verified = usable(snapshot.verified);
  return verified !== undefined && verified.digest !== failed && usable(snapshot.raw)?.digest === failed;
}
