// How the reduced world goes on by itself: the Deployment controller, the kubelets, the gateways, the exporter.
import { chooseStart } from "../../operator/domain/choice.ts";
import { countsOf } from "./contents.ts";
import { leavesLaws, startLaws, UNSEEN_S } from "./laws.ts";
import { templateOf, told } from "./objects.ts";
import {
  alive,
  answersOn,
  canonical,
  type Helper,
  olderBy,
  type Pod,
  podKey,
  type State,
  serves,
  servesWell,
} from "./state.ts";
import { aged, agedPod } from "./times.ts";

export interface Going {
  state: State;
  /** The laws that were broken on the way. */
  broken: string[];
}

/** So many seconds pass, and everything does what was due. */
export function goOn(before: State, seconds: number): Going {
  const broken: string[] = [];
  let state = older(before, seconds);
  state = { ...state, pods: state.pods.filter((pod) => !pod.leaving) };
  state = { ...state, pods: state.pods.map((pod) => kubelet(state, pod)) };
  state = deploymentController(state, broken);
  state = { ...state, ...exported(state), helpers: state.helpers.map((helper) => ended(state, helper)) };
  return { state: canonical(state), broken };
}

function older(state: State, seconds: number): State {
  const { raw, verified, refusedS } = state;
  return {
    ...state,
    controlPlaneS: aged(state.controlPlaneS, seconds),
    heldS: Math.min(UNSEEN_S, state.heldS + seconds),
    raw: raw && { ...raw, ageS: aged(raw.ageS, seconds) },
    verified: verified && { ...verified, ageS: aged(verified.ageS, seconds) },
    refusedS: refusedS === undefined ? undefined : aged(refusedS, seconds),
    pods: state.pods.map((pod) => ({ ...pod, ageS: agedPod(pod.ageS, seconds) })),
    helpers: state.helpers.map((helper) => ({ ...helper, ageS: aged(helper.ageS, seconds) })),
    status: olderBy(state.status, seconds),
    memory: olderBy(state.memory, seconds),
  };
}

/** A normal gateway needs the control plane once, a reader the store; from then on each serves from its memory. */
function kubelet(state: State, pod: Pod): Pod {
  if (pod.phase === "over") return pod;
  const connected = pod.from === "normal" && answersOn(state, pod.node);
  if (pod.phase === "ready") return connected && !pod.deaf ? { ...pod, holds: state.held } : pod;
  if (templateOf(pod.t).broken) return { ...pod, phase: "imagePull" };
  if (connected) return { ...pod, phase: "ready", holds: state.held };
  const reads = pod.from === "fallback" && state.storeUp && state.verified !== undefined;
  if (reads) return { ...pod, phase: "ready", holds: state.verified?.content };
  return { ...pod, phase: "crashing", restarts: Math.min(2, pod.restarts + 1) };
}

function deploymentController(before: State, broken: string[]): State {
  let state = before;
  if (!state.deployment) return state;
  const { replicas, paused } = state.deployment;
  const sets = state.sets.map((set) => ({ ...set }));
  const newest = sets.at(-1);
  if (!newest) return state;
  const old = sets.slice(0, -1).filter((set) => set.replicas > 0);
  if (old.length === 0) newest.replicas = replicas;
  else if (!paused) roll(state, replicas, newest, old);
  const left = sets.filter((set) => set === newest || set.replicas > 0);
  state = { ...state, sets: left };
  for (const set of [...left, ...sets.filter((other) => !left.includes(other))]) state = bring(state, set, broken);
  return state;
}

type Set = { t: number; replicas: number };

/** maxSurge 1, maxUnavailable 0. */
function roll(state: State, replicas: number, newest: Set, old: readonly Set[]): void {
  const total = newest.replicas + old.reduce((sum, set) => sum + set.replicas, 0);
  const room = replicas + 1 - total;
  if (room > 0) newest.replicas = Math.min(replicas, newest.replicas + room);
  newest.replicas = Math.min(newest.replicas, replicas);
  const of = (set: Set) => state.pods.filter((pod) => pod.t === set.t && alive(pod));
  let spare = state.pods.filter((pod) => alive(pod) && serves(pod)).length - replicas;
  const unreadyNew = newest.replicas - of(newest).filter(serves).length;
  for (const set of old) {
    const unready = of(set).filter((pod) => !serves(pod)).length;
    // Those that are not ready go first: no more of them than there are pods too many, new ones that do not serve aside.
    const idle = Math.min(unready, Math.max(0, total - replicas - unreadyNew));
    set.replicas -= idle;
    const ready = Math.max(0, Math.min(spare, set.replicas));
    set.replicas -= ready;
    spare -= ready;
  }
}

/** The ReplicaSet controller: as many pods as are wanted of this template. */
function bring(before: State, set: Set, broken: string[]): State {
  let state = before;
  const mine = state.pods.filter((pod) => pod.t === set.t && alive(pod));
  for (let i = mine.length; i < set.replicas; i += 1) {
    const all = state.pods.filter(alive).length;
    if (state.quota !== undefined && all >= state.quota) return { ...state, refusedS: state.refusedS ?? 0 };
    const pod = started(state, set.t);
    broken.push(...startLaws(state, pod));
    state = { ...state, pods: [...state.pods, pod] };
  }
  const many = mine.length - set.replicas;
  if (many > 0) {
    const victims = [...mine].sort((a, b) => compare(order(state, a), order(state, b))).slice(0, many);
    const after = {
      ...state,
      pods: state.pods.map((pod) => (victims.includes(pod) ? { ...pod, leaving: true } : pod)),
    };
    broken.push(...leavesLaws(state, after));
    state = after;
  }
  return { ...state, refusedS: undefined };
}

/**
 * What is not ready first, then the lower deletion cost. What else the cluster goes by is not ours to choose: the worst is
 * assumed, that of all that are alike the one with content goes.
 */
const order = (state: State, pod: Pod): readonly (number | string)[] => [
  Number(pod.phase === "ready"),
  Number(pod.cost),
  Number(!servesWell(state, pod)),
  podKey(pod),
];

function compare(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  for (const [i, value] of a.entries()) {
    const other = b[i] ?? 0;
    if (value !== other) return value < other ? -1 : 1;
  }
  return 0;
}

function started(state: State, t: number): Pod {
  const onZero = state.pods.filter((pod) => pod.node === 0 && alive(pod)).length;
  const node = onZero * 2 > state.pods.filter(alive).length ? 1 : 0;
  const facts = {
    ...told(state, t),
    probe: "notAsked",
    configs: { normal: true, fallback: true },
    readerKeys: "present",
  } as const;
  const answered = answersOn(state, node);
  let step = chooseStart(facts);
  const asked = step.probeFirst;
  const found = answered ? { count: countsOf(state.held)["routes"] ?? 0 } : {};
  const outcome = answered ? "ok" : "refused";
  if (step.probeFirst) step = chooseStart({ ...facts, probe: { version: outcome, read: outcome, ...found } });
  if (step.probeFirst) throw new Error("the start choice asks twice");
  return {
    t,
    node,
    from: step.choice,
    why: step.reason,
    asked: asked ? answered : undefined,
    phase: "starting",
    restarts: 0,
    ageS: 0,
    cost: "0",
    leaving: false,
    odd: false,
    deaf: false,
    holds: undefined,
  };
}

/** Of a throw-away pod: the kubelet ends it then. */
const DEADLINE_S = 120;

/** Each 5 s, as the spec of this world says. */
function exported(state: State): Pick<State, "raw"> {
  const runs = state.exporter === "ok" && state.storage && state.storeUp && answersOn(state, 1);
  return { raw: runs && state.deployment ? { content: state.held, ageS: 0 } : state.raw };
}

function ended(state: State, helper: Helper): Helper {
  if (helper.result !== "running") return helper;
  if (helper.broken) return helper.ageS > DEADLINE_S ? { ...helper, result: "failed" } : helper;
  const answers = answersOn(state, helper.node);
  if (helper.role === "witness") return { ...helper, result: answers ? "answered" : "unanswered" };
  if (helper.role === "canary") return { ...helper, content: state.held, result: answers ? "loaded" : "failed" };
  const there = [state.candidate, state.verified?.content].includes(helper.content);
  return { ...helper, result: there && state.storeUp ? "loaded" : "failed" };
}
