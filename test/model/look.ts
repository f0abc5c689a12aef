// One look of the operator at the reduced world: the decision, and its steps carried out.
import { ANNOTATION, LABEL } from "../../operator/api/names.ts";
import type { KubeObject } from "../../operator/domain/facts/cluster.ts";
import type { Step } from "../../operator/domain/plan.ts";
import { contentOf } from "./contents.ts";
import type { Decided, Decider } from "./decided.ts";
import { leavesLaws, modeLaws, verifiedLaws } from "./laws.ts";
import { approvalBack, put, withEpochsBack } from "./objects.ts";
import { canonical, type Helper, type Kept, keep, kept, type State, serves } from "./state.ts";
import type { Going } from "./world.ts";

/** Holdfast looks again at once after it did something; so often at most before the world goes on. */
const LOOKS = 4;

export interface Looked extends Going {
  /** Nothing was done and nothing was recorded. */
  quiet: boolean;
  /** Rehearsal, canary and witness pods that were begun. */
  begun: number;
}

export function looks(before: State, decider: Decider): Looked {
  const broken: string[] = [];
  let state = before;
  let begun = 0;
  if (!state.operatorUp) return { state, broken, begun, quiet: true };
  if (state.verified && state.storeUp && state.storage) state = { ...state, verified: seenOf(state.verified) };
  for (let i = 0; i < LOOKS; i += 1) {
    const decided = decider.of(state);
    const status = state.status;
    broken.push(...decided.broken);
    if (decided.broken.length > 0) return { state: { ...state, memory: decided.memory }, broken, begun, quiet: true };
    begun += decided.steps.filter(isHelper).length;
    state = canonical(carriedOut(state, decided, broken));
    const quiet = decided.steps.length === 0 && decided.move === undefined && state.status === status;
    if (quiet) return { state, broken, begun, quiet: i === 0 };
  }
  return { state, broken, begun, quiet: false };
}

const seenOf = ({ content, ageS }: Kept): Kept => ({ content, ageS });
const isHelper = (step: Step): boolean => step.do === "create" && step.object.kind === "Pod";

function carriedOut(before: State, decided: Decided, broken: string[]): State {
  const { status, memory, move } = decided;
  if (!move) {
    const state = decided.steps.reduce((now, step) => done(now, before, step, broken), before);
    return { ...state, status, memory };
  }
  broken.push(...modeLaws(before, move.to, move.reason));
  const { approveReturn } = before.words;
  const words =
    approveReturn === undefined ? before.words : { ...before.words, approveReturn: approvalBack(approveReturn) };
  return { ...before, status, memory, words, objects: withEpochsBack(before.objects) };
}

/** Indexes in uids are those of `seen`, the state that the plan was made on. */
function done(state: State, seen: State, step: Step, broken: string[]): State {
  switch (step.do) {
    case "apply":
    case "create":
      return written(state, step.object);
    case "scale":
      return scaled(state, seen, step);
    case "deletePod": {
      const gone = podOf(seen, step.uid);
      const after = { ...state, pods: state.pods.map((pod) => (pod === gone ? { ...pod, leaving: true } : pod)) };
      broken.push(...leavesLaws(state, after));
      return after;
    }
    case "markPod": {
      const marked = podOf(seen, step.uid);
      return { ...state, pods: state.pods.map((pod) => (pod === marked ? { ...pod, cost: step.cost } : pod)) };
    }
    case "delete": {
      if (step.kind !== "Pod") return { ...state, objects: put(state.objects, `${step.kind}/${step.name}`, undefined) };
      const gone = seen.helpers[Number(step.uid.replace("uid-helper-", ""))];
      return { ...state, helpers: state.helpers.filter((helper) => helper !== gone) };
    }
    case "relabel":
      return state; // nothing in this world was written by an older version
    case "removeGeneration":
    case "claimStore":
      return state;
    case "copySnapshot":
      return copied(state, step, broken);
    case "restoreTemplate":
      return restored(state, step);
    case "pause":
      return state.deployment ? { ...state, deployment: { ...state.deployment, paused: step.paused } } : state;
    default:
      return step satisfies never;
  }
}

const podOf = (state: State, uid: string) => state.pods[Number(uid.replace("uid-", ""))];

/** As act/live-read.ts: the floor is read live just before. */
function scaled(state: State, seen: State, step: Extract<Step, { do: "scale" }>): State {
  if (!state.deployment) return state;
  const staying = step.live?.staying.filter((uid) => {
    const pod = podOf(seen, uid);
    return pod !== undefined && serves(pod);
  });
  if (step.live && staying && staying.length < step.live.minServingAfter) return state;
  const { beside: _, ...deployment } = state.deployment;
  return { ...state, deployment: { ...deployment, replicas: step.to, asked: state.spec.replicas } };
}

function written(state: State, object: KubeObject): State {
  if (object.kind === "Pod") return { ...state, helpers: [...state.helpers, helperFrom(state, object)] };
  const name = `${object.kind}/${object.metadata.name}`;
  if (name !== "Deployment/edge") return { ...state, objects: put(state.objects, name, keep(object)) };
  const { replicas, ...spec } = object["spec"] as { replicas?: number; template: object };
  const deployment = {
    object: keep({ ...object, spec }),
    replicas: replicas ?? state.deployment?.replicas ?? 1,
    paused: state.deployment?.paused ?? false,
    asked: state.deployment?.asked ?? state.spec.replicas,
  };
  return { ...state, deployment, sets: newest(state.sets, keep(spec.template)) };
}

function newest(sets: State["sets"], t: number): State["sets"] {
  const same = sets.find((set) => set.t === t);
  return [...sets.filter((set) => set !== same), same ?? { t, replicas: 0 }];
}

function helperFrom(state: State, { metadata, ...object }: KubeObject): Helper {
  const role = metadata.labels?.[LABEL.role] as Helper["role"];
  const alike = state.helpers.filter((helper) => helper.role === role).length;
  return {
    role,
    node: alike % 2 === 0 ? 0 : 1,
    ageS: 0,
    key: metadata.annotations?.[ANNOTATION.proofKey] ?? "",
    broken: JSON.stringify(object).includes("gateway:bad"),
    content: contentOf(metadata.annotations?.[ANNOTATION.digest]),
    result: "running",
  };
}

function copied(state: State, step: Extract<Step, { do: "copySnapshot" }>, broken: string[]): State {
  const pairs = { raw: state.raw?.content, candidate: state.candidate, verified: state.verified?.content };
  const from = step.from === "generation" ? contentOf(step.digest) : pairs[step.from];
  if (step.to === "generation") return state;
  if (from === undefined || from !== contentOf(step.digest) || !state.storeUp || !state.storage) return state;
  if (step.to === "candidate") return { ...state, candidate: from };
  broken.push(...verifiedLaws(state, from));
  return { ...state, verified: { content: from, ageS: 0 } };
}

function restored(state: State, step: Extract<Step, { do: "restoreTemplate" }>): State {
  if (!state.deployment) return state;
  const object = kept<KubeObject>(state.deployment.object);
  const back = {
    ...object,
    metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, ...step.annotations } },
    spec: { ...(object["spec"] as object), template: step.template },
  };
  return {
    ...state,
    deployment: { ...state.deployment, object: keep(back), paused: false },
    sets: newest(state.sets, keep(step.template)),
  };
}

/** What a rehearsal that ended well has shown. */
export function withProofs(state: State): State {
  const shown = state.helpers.flatMap(({ role, result, content, key }) =>
    role === "rehearsal" && result === "loaded" && content !== undefined ? [`${content} ${key}`] : [],
  );
  const more = shown.filter((one) => !state.loaded.includes(one));
  return more.length === 0 ? state : { ...state, loaded: [...state.loaded, ...more].toSorted() };
}
