import type { Evidence } from "../evidence/evidence.ts";
import type { Expectation } from "../evidence/expectation.ts";
import type { Facts } from "../facts/facts.ts";
import { howToReturn } from "../mode/approvals.ts";
import { isReady } from "../pods.ts";

/** A move to the snapshot, as far as it has come. */
export const movingThere = (facts: Facts, left: number): string =>
  `Moving pods: ${left} to go${failingCheck(facts, "fallback")}`;

/** Pods that have not chosen yet are waited for, too, and are no pods to go: their number rises and falls with each surge. */
export function movingBack(facts: Facts, { verdict }: Evidence, expectation: Expectation): string {
  const left = facts.pods.filter((pod) => !pod.deleting && pod.start?.choice === "fallback").length;
  if (left === 0) return "Moving pods back: the last ones start";
  const uncounted = verdict.word === "Reachable" && expectation.is === "unknown" && !expectation.approved;
  const how = `to go on all the same: ${howToReturn(facts)}`;
  const why = uncounted
    ? `. It waits until the control plane's objects are counted; ${how}`
    : failingCheck(facts, "normal");
  return `Moving pods back: ${left} to go${why}`;
}

/** A successor that fails the check is waited for without an end: a person alone can tell which of the two is wrong. */
function failingCheck({ group, pods }: Facts, choice: "normal" | "fallback"): string {
  const { check } = group.spec.traffic;
  const failing = pods.filter((pod) => isReady(pod) && pod.start?.choice === choice && pod.check === "fail");
  if (check === undefined || failing.length === 0) return "";
  const names = failing.map(({ name }) => name).sort();
  return `. It waits for pods that do not answer ${check.expectStatus} to spec.traffic.check.path ${check.path} (${names.join(", ")}): mend the route, or change or remove the check`;
}
