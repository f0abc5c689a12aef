// The laws over what is the case, not over what is seen: written without a look at how the decision comes about.

import type { GatewayGroupStatus } from "../../operator/api/gateway-group-status.ts";
import { countsOf } from "./contents.ts";
import { proofKeyOf, told } from "./objects.ts";
import {
  alive,
  answersOn,
  CONTROL_PLANES,
  type Content,
  isGood,
  kept,
  type Pod,
  type State,
  servesWell,
} from "./state.ts";

const gateways = (state: State) => state.pods.filter((pod) => servesWell(state, pod)).length;

const modeOf = (state: State) => kept<GatewayGroupStatus>(state.status).mode ?? "none";

/** A person took what the control plane holds now for what is meant, or less than that: what is added is no loss. */
const isMeant = (state: State): boolean => isGood(state, state.held) || isAccepted(state);
function isAccepted({ accepted, held }: State): boolean {
  const less = (one: Content) => Object.entries(countsOf(one)).every(([kind, n]) => n <= (countsOf(held)[kind] ?? 0));
  return accepted.some((one) => one === held || (held !== "foreign" && one !== "foreign" && less(one)));
}

/** Another scaled the Deployment, or wrote a pair that pods read before Holdfast looked: that is not its doing. */
const isByAnother = ({ deployment, pods }: State): boolean =>
  deployment?.beside === true || pods.some((pod) => pod.from === "fallback" && pod.holds === "foreign");

/** Longer than from a happening to the look after it. */
export const UNSEEN_S = 15;

/** Pods were taken by a controller or by Holdfast: only what the plan brought about, never what happens by itself. */
export function leavesLaws(before: State, after: State): string[] {
  const broken: string[] = [];
  const [was, is] = [gateways(before), gateways(after)];
  if (is >= was || isByAnother(before)) return [];
  // By its pods: of the last one that a roll takes the set wants none any more.
  const rolls = new Set(before.pods.filter(alive).map((pod) => pod.t)).size > 1;
  // A number that was raised a moment ago is not yet the Deployment's, and its roll goes on meanwhile.
  const { asked: then = 0, replicas = 0 } = before.deployment ?? {};
  const asked = Math.min(before.spec.replicas, rolls ? replicas : then);
  // A roll that is under way goes on by itself until the next look, whether the control plane went or lost what it held.
  const unseen = rolls && Math.min(before.controlPlaneS, before.heldS) < UNSEEN_S;
  if (is < Math.min(asked, was) && !isAccepted(before) && !unseen && !isUnseenForeign(before))
    broken.push(
      `a pod that serves content is taken only while as many as the spec wants serve content without it (${rolls ? "in a roll" : "by number"}, mode ${modeOf(before)}, the control plane holds: ${before.held})`,
    );
  const gone = !answersOn(before, 1) && before.controlPlaneS >= 15 && before.controlPlane !== "gatewaysCutOff";
  const proven = before.pods.some((pod) => alive(pod) && told(before, pod.t).proof !== "absent");
  if (gone && !proven && before.operatorUp)
    broken.push("without a proof at hand nothing that serves is given up while the control plane is gone");
  return broken;
}

/** A pod starts. */
export function startLaws(state: State, pod: Pod): string[] {
  const content = state.verified?.content;
  const { proof } = told(state, pod.t);
  if (
    pod.from === "fallback" &&
    content !== undefined &&
    !state.verified?.unseen &&
    !state.loaded.includes(`${content} ${proofKeyOf(pod.t)}`)
  )
    return ["no pod starts from a pair that no gateway loaded in a rehearsal"];
  const published = proof !== "absent" && state.storeUp && content !== undefined && isGood(state, content);
  if (pod.from === "normal" && state.held === "empty" && answersOn(state, pod.node) && published && !isMeant(state))
    return ["beside a published proof no pod starts from a control plane that holds nothing"];
  return [];
}

/** The recorded mode moves. */
export function modeLaws(state: State, to: string, reason: string): string[] {
  const broken: string[] = [];
  const { answers } = CONTROL_PLANES[state.controlPlane];
  const { override } = state.words;
  // Where no gateway follows it, nobody is harmed: what starts asks the control plane, or the snapshot.
  const serving = state.pods.some((pod) => pod.phase === "ready" && pod.from === "normal" && alive(pod));
  if (to === "ToFallback" && reason === "ControlPlaneUnreachable" && answers && !state.nodeCut && serving)
    broken.push("no group flips by itself while the control plane answers every gateway");
  if (to === "ToNormal" && !answers && canBeTold(state))
    broken.push("no group returns while the control plane answers no gateway");
  if (to === "ToNormal" && !isMeant(state) && !isUnseenForeign(state))
    broken.push("no group returns to a control plane without the content expected of it, unless a person says so");
  const moves = to === "ToFallback" || to === "ToNormal";
  if (moves && (override === "Hold" || override === "Hodl"))
    broken.push("a group that a person meant to hold does not move");
  if (to === "ToFallback" && reason === "ControlPlaneUnreachable" && isTooOld(state))
    broken.push("no group that serves flips to a pair older than the spec allows");
  return broken;
}

/**
 * Gateways that say nothing, or that go on saying connected after they were cut off, and none that a canary is tried for: then
 * nobody but the operator can be asked.
 */
const canBeTold = ({ votes, pods }: State): boolean =>
  (votes !== "silent" && votes !== "late") || pods.some((pod) => alive(pod) && pod.from === "fallback");

/**
 * Another group's configuration with the same counts is told by its export alone. Where that cannot be read a return does not
 * wait for it: a group that stays in fallback beside a store that is gone could start no pod (docs/decisions.md, section 4).
 */
const isUnseenForeign = ({ held, storeUp, storage, exporter, raw }: State): boolean =>
  held === "foreign" && (!storeUp || !storage || exporter === "unreadable" || raw?.content !== "foreign");

const HOUR_S = 3_600;
/** An outage does not age the pair that bridges it. */
function isTooOld({ raw, verified, exporter, controlPlaneS, pods }: State): boolean {
  const ages = [verified?.ageS ?? 0, ...(raw && exporter !== "unreadable" ? [raw.ageS] : [])];
  const serving = pods.some((pod) => pod.phase === "ready" && pod.from === "normal");
  return serving && Math.min(...ages) - controlPlaneS > HOUR_S;
}

/** A pair is written under the verified key. */
export function verifiedLaws(state: State, content: Content): string[] {
  const was = state.verified?.content;
  if (was === undefined || !isGood(state, was)) return [];
  const accepted = state.accepted.some((one) => one === content);
  if (isGood(state, content) || accepted) return [];
  return [`a good pair is not replaced by what was not accepted (${was} -> ${content})`];
}
