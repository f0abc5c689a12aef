import { ANNOTATION } from "../../api/names.ts";
import type { Children } from "../facts/cluster.ts";
import type { Problem } from "../facts/problem.ts";
import type { Adopt, Step } from "../plan.ts";
import { isServing } from "../pods.ts";
import type { Situation } from "../situation.ts";

type Stranger = Children["strangers"][number];

/** An object of somebody else on a name that this group needs: may it be taken over, and if not now, what to say. */
export function adoptionOf(situation: Situation, stranger: Stranger): { adopt: Adopt } | { problem: Problem } {
  const { facts, words } = situation;
  if (!stranger.adoptable) return { problem: nameTaken(situation, stranger) };
  if (words.order === "Observe") return waits(stranger, "modePolicy is Observe, which changes nothing that is there");
  if (stranger.kind !== "Service") return { adopt: {} };
  // Its selector is replaced as a whole: from then on it has our pods behind it and no others.
  const serving = facts.pods.filter(isServing);
  const needed = servingFirst(situation);
  if (serving.length < needed) return waits(stranger, whenServing(needed));
  return { adopt: { live: { minServingAfter: needed, staying: serving.map((pod) => pod.uid) } } };
}

/** Steps onto a stranger's object take it over, or are left out. */
export function withAdoption(situation: Situation, steps: readonly Step[]): Step[] {
  const strangers = new Map(situation.facts.children.strangers.map((one) => [`${one.kind}/${one.name}`, one]));
  return steps.flatMap((step): Step[] => {
    if (step.do !== "apply" && step.do !== "create") return [step];
    const stranger = strangers.get(`${step.object.kind}/${step.object.metadata.name}`);
    if (!stranger) return [step];
    const adoption = adoptionOf(situation, stranger);
    return "adopt" in adoption ? [{ ...step, adopt: adoption.adopt }] : [];
  });
}

const servingFirst = ({ wanted }: Situation): number => Math.max(1, wanted);
const whenServing = (needed: number): string => `${needed} traffic pods of this group must serve first`;

const waits = ({ kind, name }: Stranger, why: string) => ({
  problem: {
    reason: "AdoptionWaits",
    field: "metadata.name",
    message: `${kind} "${name}" is not taken over yet: ${why}; until then it stays as it is`,
  },
});

function nameTaken(situation: Situation, { kind, name, otherPods }: Stranger): Problem {
  const taken = { reason: "NameTaken", field: "metadata.name" };
  const exists = `${kind} "${name}" exists and is not Holdfast's`;
  if (otherPods)
    return {
      ...taken,
      message: `${exists}, and its selector, which cannot be changed, is for other pods: delete it, or give the GatewayGroup another name`,
    };
  const later = kind === "Service" ? `; ${whenServing(servingFirst(situation))}` : "";
  const annotation = `${ANNOTATION.adopt}=${situation.facts.group.name}`;
  return {
    ...taken,
    message: `${exists}: rename or remove it, or let Holdfast take it over with the annotation ${annotation} on it${later}`,
  };
}
