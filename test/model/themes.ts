// Where histories begin, and which happenings are looked at together: all at once would never get deep enough.
import { emptyMemory } from "../../operator/domain/evidence/memory.ts";
import type { Decider } from "./decided.ts";
import { HAPPENINGS, type HappeningName } from "./happenings.ts";
import { UNSEEN_S } from "./laws.ts";
import { lives, rests } from "./life.ts";
import { NO_OBJECTS } from "./objects.ts";
import type { Theme } from "./search.ts";
import type { Rollout } from "./sight.ts";
import { canonical, keep, type State } from "./state.ts";

export function fresh(replicas: number): State {
  return {
    controlPlane: "up",
    controlPlaneS: 640,
    held: "full",
    heldS: UNSEEN_S,
    nodeCut: false,
    votes: "vendor",
    storeUp: true,
    storage: true,
    exporter: "ok",
    raw: undefined,
    candidate: undefined,
    verified: undefined,
    pods: [],
    helpers: [],
    deployment: undefined,
    sets: [],
    objects: NO_OBJECTS,
    status: keep({ observedGeneration: -1 }),
    memory: keep(emptyMemory()),
    operatorUp: true,
    spec: { image: "v1", replicas, certificate: 1, observes: false },
    words: {},
    quota: undefined,
    refusedS: undefined,
    skewS: 0,
    loaded: [],
    accepted: [],
  };
}

/** The same happenings one after the other, with a rest after each. */
export function after(decider: Decider, begin: State, ...names: HappeningName[]): State {
  let state = rests(begin, decider).state;
  for (const name of names) state = rests(canonical(HAPPENINGS[name](state) ?? state), decider).state;
  return state;
}

type Roots = Theme["roots"];
export const rootsOf = (replicas: number) =>
  ({
    "a fresh group": () => fresh(replicas),
    "a proven group": (decider) => after(decider, fresh(replicas)),
    "a group in fallback": (decider) => after(decider, fresh(replicas), "control plane down", "all pods die"),
    "a group whose roll the outage broke off": (decider) => {
      const rolls = HAPPENINGS["image v2"](after(decider, fresh(replicas)));
      const lost = rolls && HAPPENINGS["control plane down"](lives(canonical(rolls), decider).state);
      return lost ? lives(canonical(lost), decider).state : fresh(replicas);
    },
    "a group in fallback from memory": (decider) => after(decider, fresh(replicas), "control plane down"),
    "a proven group restored without status": (decider) =>
      canonical(HAPPENINGS["status lost"](after(decider, fresh(replicas))) ?? fresh(replicas)),
    "a group in fallback restored without status": (decider) => {
      const state = after(decider, fresh(replicas), "control plane down", "all pods die");
      return canonical(HAPPENINGS["status lost"](state) ?? state);
    },
    "a new place in an outage, with a pair in the store and no storage yet": () => ({
      ...fresh(replicas),
      controlPlane: "down",
      storage: false,
      verified: { content: "full", ageS: 640 },
    }),
  }) as const satisfies Roots;

const CONTROL_PLANE = ["control plane down", "control plane up"] as const satisfies HappeningName[];
const LIVES = ["a normal pod dies", "a pod from the snapshot dies", "all pods die", "operator restarts"] as const;

const ALPHABETS = {
  content: [
    ...CONTROL_PLANE,
    ...LIVES,
    "control plane back, emptied",
    "control plane back, another group's",
    "control plane emptied",
    "control plane full",
    "control plane has one route more",
    "control plane has a tenth",
    "control plane is another group's",
    "store down",
    "store up",
    "return approved",
    "export accepted",
    "status lost",
    "another exporter writes the verified key",
  ],
  shrinking: [
    ...CONTROL_PLANE,
    "all pods die",
    "control plane has 30 % less",
    "control plane has half",
    "control plane has a tenth",
    "control plane emptied",
    "control plane full",
    "store down",
    "store up",
    "operator restarts",
  ],
  changes: [
    ...CONTROL_PLANE,
    ...LIVES,
    "control plane emptied",
    "control plane full",
    "image v2",
    "image mistyped",
    "image v1",
    "certificate renewed",
    "restart-at",
    "scaled up",
    "scaled down",
    "store down",
    "store up",
  ],
  disaster: [
    ...CONTROL_PLANE,
    "all pods die",
    "operator restarts",
    "storage applied",
    "storage deleted",
    "store down",
    "store up",
    "image mistyped",
    "image v1",
    "image v2",
    "restart-at",
    "status lost",
    "scaled down",
    "scaled up",
  ],
  orders: [
    ...CONTROL_PLANE,
    "all pods die",
    "control plane back, emptied",
    "override Fallback",
    "override Normal",
    "override Hold",
    "override Hodl",
    "override removed",
    "policy Observe",
    "policy Auto",
    "return approved",
    "export accepted",
    "operator restarts",
    "operator down",
    "operator up",
    "status lost",
  ],
  witnesses: [
    ...CONTROL_PLANE,
    "a normal pod dies",
    "all pods die",
    "control plane hangs",
    "control plane slow",
    "database down",
    "operator alone sees server errors",
    "operator cut off",
    "gateways cut off",
    "node 0 cut off",
    "node 0 connected",
    "gateways silent",
    "gateways notice late",
    "a gateway says 503 for its own reasons",
    "operator restarts",
  ],
  lives: [
    ...CONTROL_PLANE,
    ...LIVES,
    "a pod is evicted and left behind",
    "Deployment paused",
    "Deployment scaled by another",
    "quota full",
    "quota raised",
    "image v2",
    "image mistyped",
    "image v1",
    "scaled up",
    "scaled down",
    "store down",
    "store up",
    "gateways silent",
  ],
  clocks: [
    ...CONTROL_PLANE,
    "all pods die",
    "clock 5 min ahead",
    "clock 20 min behind",
    "gateways silent",
    "operator restarts",
    "exporter stuck",
    "export cannot be read",
    "control plane has one route more",
    "status lost",
  ],
  everything: Object.keys(HAPPENINGS) as HappeningName[],
} as const satisfies Record<string, readonly HappeningName[]>;

const theme = (name: keyof typeof ALPHABETS, replicas: number, rollout: Rollout, days = false): Theme => {
  const roots = rootsOf(replicas);
  const { "a new place in an outage, with a pair in the store and no storage yet": place, ...others } = roots;
  const chosen: Roots =
    name === "disaster" ? { "a new place": place, "a fresh group": roots["a fresh group"] } : others;
  return { name: `${name}, ${replicas} pods, ${rollout}`, roots: chosen, rollout, happenings: ALPHABETS[name], days };
};

/** In an order in which two workers end at much the same time. */
export const THEMES: readonly Theme[] = [
  theme("everything", 2, "Rolling", true),
  theme("content", 2, "OnRestart"),
  theme("content", 3, "Rolling"),
  theme("changes", 2, "OnRestart"),
  theme("changes", 3, "Rolling"),
  theme("orders", 2, "Rolling", true),
  theme("witnesses", 2, "Rolling"),
  theme("witnesses", 3, "OnRestart"),
  theme("witnesses", 1, "OnRestart"),
  theme("lives", 2, "Rolling"),
  theme("lives", 3, "OnRestart"),
  theme("clocks", 2, "OnRestart", true),
  theme("disaster", 2, "OnRestart", true),
  theme("shrinking", 2, "OnRestart"),
];
