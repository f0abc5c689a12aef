import type { Facts } from "./facts.ts";
import { isAlive } from "./pods.ts";

/** The facts as everything is decided on: a pod that is only an object any more is in no count. */
export const currentFacts = (facts: Facts): Facts => ({
  ...facts,
  pods: facts.pods.filter((pod) => isAlive(pod, facts.nowMs)),
});
