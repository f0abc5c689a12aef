// From any state, with the world healthy from then on or the control plane lost for good: does the group come to rest?
import type { GatewayGroupStatus } from "../../operator/api/gateway-group-status.ts";
import type { Decider } from "./decided.ts";
import { aDay, rests } from "./life.ts";
import { canonical, isGood, kept, type State, servesWell, stateKey } from "./state.ts";

export interface Cured {
  broken: readonly string[];
  /** What does not come about. */
  stuck: string | undefined;
  transitions: number;
}

/** The way of each state to its rest is one, and most of them meet: each is walked once. */
export class Cure {
  readonly name: string;
  readonly #decider: Decider;
  readonly #begin: (state: State) => State | undefined;
  readonly #isWell: (state: State) => boolean;
  readonly #stuck: string;
  readonly #known = new Map<string, Cured>();

  constructor(
    decider: Decider,
    name: string,
    stuck: string,
    begin: (state: State) => State | undefined,
    isWell: (state: State) => boolean,
  ) {
    this.#decider = decider;
    this.name = name;
    this.#stuck = stuck;
    this.#begin = begin;
    this.#isWell = isWell;
  }

  of(state: State): Cured {
    const begun = this.#begin(state);
    return begun ? this.#follow(canonical(begun)) : { broken: [], stuck: undefined, transitions: 0 };
  }

  /** Damping lasts an hour at most: what is not at rest after two rests and a day will never be. */
  #follow(begun: State): Cured {
    let state = begun;
    let transitions = 0;
    const keys: string[] = [];
    let end: Cured | undefined;
    for (const step of [rests, rests, aDay, aDay]) {
      const key = stateKey(state);
      const known = this.#known.get(key);
      if (known) {
        end = { ...known, transitions };
        break;
      }
      keys.push(key);
      const lived = step(state, this.#decider);
      transitions += lived.transitions;
      state = lived.state;
      if (lived.broken.length > 0) end = { broken: lived.broken, stuck: undefined, transitions };
      else if (this.#isWell(state)) end = { broken: [], stuck: undefined, transitions };
      if (end) break;
    }
    // Nor is one stuck that says what a person is to do, where doing that cures it.
    const asked = end ? undefined : asSaid(state);
    if (asked) {
      const lived = rests(canonical(asked), this.#decider);
      transitions += lived.transitions;
      state = lived.state;
      if (lived.broken.length > 0) end = { broken: lived.broken, stuck: undefined, transitions };
      else if (this.#isWell(state)) end = { broken: [], stuck: undefined, transitions };
    }
    end ??= { broken: [], stuck: `${this.#stuck} (${where(state)})`, transitions };
    // Only what was begun: on the way a day may have passed.
    const [first] = keys;
    if (first !== undefined) this.#known.set(first, { ...end, transitions: 0 });
    return end;
  }
}

/**
 * Template changes outside of normal mode wait for a word by design where a pod of the former template serves: the word that the
 * condition names is given. So is room for a surge, where the status says that there is none.
 */
function asSaid(state: State): State | undefined {
  const { conditions = [] } = kept<GatewayGroupStatus>(state.status);
  const says = (reason: string) => conditions.some((one) => one.reason === reason && one.status === "True");
  const waits = says("ChangeWaits");
  const noRoom = state.quota !== undefined && (says("SurgeImpossible") || says("PodsRefused"));
  if (!waits && !noRoom) return undefined;
  return {
    ...state,
    ...(noRoom ? { quota: undefined } : {}),
    ...(waits ? { words: { ...state.words, restartAt: "said" } } : {}),
  };
}

/** What the status says of a group that does not get on. */
function where(state: State): string {
  const { mode, conditions = [] } = kept<GatewayGroupStatus>(state.status);
  const said = conditions.filter(({ type }) => ["Held", "RestartPending", "FallbackReady"].includes(type));
  return [
    `mode ${mode}`,
    ...said.map(({ type, reason }) => `${type} ${reason}`),
    `${well(state)} of ${state.spec.replicas}`,
  ].join(", ");
}

const well = (state: State): number => state.pods.filter((pod) => servesWell(state, pod)).length;
/** No more than are wanted, too: nothing is half done. */
const asWanted = (state: State): boolean =>
  well(state) === state.spec.replicas && state.deployment?.replicas === state.spec.replicas;

const image = ({ image: wanted }: State["spec"]) => (wanted === "bad" ? "v1" : wanted);

/** A pod that is over and was left behind stays, and so does a gateway that says 503 for its own reasons. */
function healthy(state: State): State {
  return {
    ...state,
    controlPlane: "up",
    controlPlaneS: 0,
    held: state.held === "more" ? "more" : "full",
    nodeCut: false,
    votes: "vendor",
    storeUp: true,
    storage: true,
    exporter: "ok",
    operatorUp: true,
    quota: undefined,
    skewS: 0,
    words: {},
    spec: { ...state.spec, observes: false, image: image(state.spec) },
    // Nothing tells a deaf gateway from another one yet: DP managers that are restarted do.
    pods: state.pods.map((pod) => ({ ...pod, deaf: false })),
  };
}

/**
 * Left-over pods, a paused Deployment, a quota without room for a surge and a clock that goes wrong stay: none of them is
 * the outage's end.
 */
function lostForGood(state: State): State | undefined {
  // A person took something else for good, or another wrote what pods read: then a person must say what is.
  // And what pods took from another group's control plane that was lost before anybody could read its export is told by nothing.
  const taken = state.pods.filter(({ holds }) => holds === "foreign");
  const unseen = taken.length > 0 && state.raw?.content !== "foreign";
  const asked = state.accepted.length > 0 || taken.some(({ from }) => from === "fallback") || unseen;
  if (!isGood(state, state.verified?.content) || asked) return undefined;
  return {
    ...state,
    controlPlane: "down",
    // One that is gone already is not lost anew, or the pair would seem to have grown old beside it.
    controlPlaneS: state.controlPlane === "down" ? state.controlPlaneS : 0,
    nodeCut: false,
    storeUp: true,
    storage: true,
    operatorUp: true,
    words: {},
    quota: state.quota === undefined ? undefined : Math.max(state.quota, roomFor(state)),
    spec: { ...state.spec, observes: false, image: image(state.spec) },
  };
}

/**
 * A roll that is half way needs room for all pods that its ReplicaSets want: with maxUnavailable 0 a pod of the former template that
 * cannot start holds the last place, and its ReplicaSet takes it again at once. The status says `MoveStalled` and PodsRefused.
 */
const roomFor = ({ spec: { replicas }, sets }: State): number =>
  Math.max(replicas, ...(sets.length > 1 ? [sets.reduce((sum, set) => sum + set.replicas, 0)] : []));

export const CURES: readonly ((decider: Decider) => Cure)[] = [
  (decider) =>
    new Cure(
      decider,
      "healthy from then on",
      "stuck: with the world healthy from then on, the group does not end in normal mode with all pods serving",
      (state) => (state.verified?.content === "foreign" ? undefined : healthy(state)),
      (state) => kept<GatewayGroupStatus>(state.status).mode === "Normal" && asWanted(state),
    ),
  (decider) =>
    new Cure(
      decider,
      "control plane lost for good, the store with a good pair there",
      "stuck: without the control plane and with a good pair in the store, not all pods end up serving",
      lostForGood,
      (state) => well(state) >= state.spec.replicas,
    ),
];
