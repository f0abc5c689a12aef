// What is the case in the reduced world: small enough to be compared, kept and printed by the hundred thousand.
import { hash } from "node:crypto";
import { shifted, withAges, withMoments } from "./times.ts";

/**
 * What a control plane, a pod or a store holds: as it was, a route more, 30 % less, as much less again, next to nothing,
 * nothing, another group's.
 */
export type Content = "full" | "more" | "less" | "half" | "tenth" | "empty" | "foreign";

/** How the control plane looks from the operator's place, and whether gateways have it. */
export const CONTROL_PLANES = {
  up: { view: "readsOk", answers: true },
  down: { view: "down", answers: false },
  hangs: { view: "readTimeout", answers: false },
  slow: { view: "readTimeout", answers: true },
  databaseDown: { view: "serverError", answers: false },
  operatorSeesErrors: { view: "serverError", answers: true },
  operatorCutOff: { view: "down", answers: true },
  gatewaysCutOff: { view: "readsOk", answers: false },
} as const;
export type ControlPlane = keyof typeof CONTROL_PLANES;

export interface Pod {
  /** Which template. */
  t: number;
  node: 0 | 1;
  from: "normal" | "fallback";
  why: string;
  /** Did the control plane answer at its start, where it was asked? */
  asked: boolean | undefined;
  /** over: it ended and was left behind. */
  phase: "starting" | "ready" | "crashing" | "imagePull" | "over";
  restarts: number;
  ageS: number;
  cost: string;
  leaving: boolean;
  /** Its gateway says that it lost the control plane, for reasons of its own. */
  odd: boolean;
  /** It lived through a restored database, whose news it does not take any more. */
  deaf: boolean;
  /** What it answers from; nobody sees this but the laws. */
  holds: Content | undefined;
}

export interface Helper {
  role: "rehearsal" | "canary" | "witness";
  node: 0 | 1;
  ageS: number;
  /** Key of the template that it proves, and the content. */
  key: string;
  /** Its image cannot be pulled. */
  broken: boolean;
  content: Content | undefined;
  result: "running" | "loaded" | "failed" | "answered" | "unanswered";
}

export interface Kept {
  content: Content;
  ageS: number;
  /** Another wrote it, and Holdfast has not looked since. */
  unseen?: true;
}

export interface Deployment {
  object: number;
  replicas: number;
  paused: boolean;
  /** What the spec asked for when its replicas were written. */
  asked: number;
  /** Another wrote its replicas last. */
  beside?: true;
}

export interface State {
  controlPlane: ControlPlane;
  /** Since when, s. */
  controlPlaneS: number;
  held: Content;
  /** Since when it holds that, s; no more than counts (see `unseen` in laws.ts). */
  heldS: number;
  /** Node 0 alone does not reach the control plane. */
  nodeCut: boolean;
  /** Late: for 25 s after the loss gateways say that they have the control plane, and nothing then. */
  votes: "vendor" | "silent" | "late";
  storeUp: boolean;
  /** Is there a FallbackStorage? */
  storage: boolean;
  exporter: "ok" | "stuck" | "unreadable";
  raw: Kept | undefined;
  candidate: Content | undefined;
  verified: Kept | undefined;
  pods: readonly Pod[];
  helpers: readonly Helper[];
  deployment: Deployment | undefined;
  /** Oldest first. */
  sets: readonly { t: number; replicas: number }[];
  /** All other objects that were applied: names and contents. */
  objects: number;
  status: number;
  memory: number;
  operatorUp: boolean;
  spec: { image: "v1" | "v2" | "bad"; replicas: number; certificate: 1 | 2; observes: boolean };
  words: {
    override?: "Fallback" | "Normal" | "Hold" | "Hodl";
    approveReturn?: string;
    acceptSnapshot?: string;
    restartAt?: string;
  };
  /** So many pods are let in. */
  quota: number | undefined;
  /** Since when pods are refused, s. */
  refusedS: number | undefined;
  /** How far Holdfast's clock is ahead of all others, s. */
  skewS: number;
  /** Contents that a gateway loaded in a rehearsal, with the key of its template. */
  loaded: readonly string[];
  /** Contents that a person accepted. */
  accepted: readonly Content[];
}

/** Texts that states share: each is kept once and has a number. */
class Table {
  readonly #numbers = new Map<string, number>();
  readonly #texts: string[] = [];
  readonly #parsed: unknown[] = [];

  number(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const made = this.#texts.length;
    this.#numbers.set(text, made);
    this.#texts.push(text);
    return made;
  }
  text(number: number): string {
    return this.#texts[number] ?? "";
  }
  value<T>(number: number): T {
    this.#parsed[number] ??= withMoments(this.text(number));
    return this.#parsed[number] as T;
  }
}
const table = new Table();
export const keep = (value: unknown): number => table.number(withAges(value));
/** To be read, never written: it is shared. */
export const kept = <T>(number: number): T => table.value<T>(number);

const later = new Map<string, number>();
export function olderBy(number: number, byS: number): number {
  const key = `${number} ${byS}`;
  const known = later.get(key);
  if (known !== undefined) return known;
  const made = table.number(shifted(table.text(number), byS));
  later.set(key, made);
  return made;
}

/** Pods that are alike are one pod: what is seen of them decides their order, what they hold only where nothing else does. */
export const podKey = (pod: Pod): string =>
  `${pod.t}${pod.phase}${pod.from}${pod.why}${pod.asked}${pod.node}${pod.restarts}/${pod.ageS}/${pod.cost}${pod.leaving}${pod.odd} ${pod.holds}${pod.deaf}`;

export function canonical(state: State): State {
  const keyed = state.pods.map((pod) => [podKey(pod), pod] as const);
  keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return { ...state, pods: keyed.map(([, pod]) => pod) };
}
/** Millions are kept: a digest of the text, not the text. */
export const short = (text: string): string => hash("md5", text, "base64");
export const stateKey = (state: State): string => short(JSON.stringify(state));

export const isGood = (state: State, content: Content | undefined): boolean =>
  content !== undefined &&
  (["full", "more", "less"].includes(content) || (content !== "empty" && state.accepted.includes(content)));
export const serves = (pod: Pod): boolean => pod.phase === "ready" && !pod.leaving;
export const servesWell = (state: State, pod: Pod): boolean => serves(pod) && isGood(state, pod.holds);
export const alive = (pod: Pod): boolean => pod.phase !== "over" && !pod.leaving;
export const answersOn = (state: State, node: 0 | 1): boolean =>
  CONTROL_PLANES[state.controlPlane].answers && !(state.nodeCut && node === 0);
