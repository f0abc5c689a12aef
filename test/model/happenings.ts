// What can happen to the reduced world from outside: each is one step of a history.
import type { GatewayGroupStatus } from "../../operator/api/gateway-group-status.ts";
import { emptyMemory } from "../../operator/domain/evidence/memory.ts";
import { howToAccept, howToReturn } from "../../operator/domain/mode/approvals.ts";
import { digestOf } from "./contents.ts";
import { UID } from "./sight.ts";
import { alive, type Content, type ControlPlane, keep, kept, type Pod, podKey, type State } from "./state.ts";

/** The state with it, or nothing where it cannot happen or would change nothing. */
export type Happening = (state: State) => State | undefined;
export type Happenings = Readonly<Record<string, Happening>>;

const set =
  <K extends keyof State>(field: K, value: State[K]): Happening =>
  (state) =>
    state[field] === value ? undefined : { ...state, [field]: value };

const becomes =
  (controlPlane: ControlPlane): Happening =>
  (state) =>
    state.controlPlane === controlPlane ? undefined : { ...state, controlPlane, controlPlaneS: 0 };

/** Before a pair is verified nothing is expected, so nothing can be missing. */
const holds =
  (held: Content): Happening =>
  (state) =>
    state.held === held || (state.verified === undefined && held !== "full") ? undefined : { ...state, held, heldS: 0 };

/** A database that was restored: gateways that lived through it go on with what they have, and take no news. */
const backWith =
  (held: Content): Happening =>
  (state) => {
    const back = becomes("up")(state);
    const other = back && holds(held)(back);
    const deaf = (pod: Pod) => (pod.phase === "ready" && pod.from === "normal" ? { ...pod, deaf: true } : pod);
    return other && { ...other, pods: other.pods.map(deaf) };
  };

const ordered =
  (override: State["words"]["override"]): Happening =>
  (state) => {
    if (state.words.override === override) return undefined;
    const { override: _, ...words } = state.words;
    return { ...state, words: override === undefined ? words : { ...words, override } };
  };

const spec =
  <K extends keyof State["spec"]>(field: K, value: State["spec"][K]): Happening =>
  (state) =>
    state.spec[field] === value ? undefined : { ...state, spec: { ...state.spec, [field]: value } };

const without = (state: State, gone: readonly Pod[]): State => ({
  ...state,
  pods: state.pods.filter((pod) => !gone.includes(pod)),
});

const firstOf = (state: State, which: (pod: Pod) => boolean): Pod | undefined =>
  state.pods.filter(which).toSorted((a, b) => (podKey(a) < podKey(b) ? -1 : 1))[0];

const killed =
  (from: Pod["from"]): Happening =>
  (state) => {
    const pod = firstOf(state, (one) => alive(one) && one.from === from);
    return pod && without(state, [pod]);
  };

const allKilled: Happening = (state) => {
  const gone = state.pods.filter(alive);
  return gone.length === 0 ? undefined : without(state, gone);
};

/** Evicted by a kubelet that leaves the pod behind, as one that ended. One is as good as many. */
const evicted: Happening = (state) => {
  const pod = firstOf(state, (one) => one.phase === "ready" && !one.leaving);
  if (!pod || state.pods.some(({ phase }) => phase === "over")) return undefined;
  const over = { ...pod, phase: "over", holds: undefined } as const;
  return { ...state, pods: state.pods.map((other) => (other === pod ? over : other)) };
};

const oneOdd: Happening = (state) => {
  const pod = firstOf(state, (one) => one.phase === "ready" && one.from === "normal" && !one.leaving);
  if (!pod || state.pods.some(({ odd }) => odd)) return undefined;
  return { ...state, pods: state.pods.map((other) => (other === pod ? { ...pod, odd: true } : other)) };
};

const statusLost: Happening = (state) => {
  const status = keep({ observedGeneration: -1 });
  const { approveReturn: _, ...words } = state.words;
  return state.status === status ? undefined : { ...state, status, memory: keep(emptyMemory()), words };
};

/** What the message that asks for it says to write. */
const asked = (message: string): string => /=(\S+)/.exec(message)?.[1] ?? "";
const groupOf = (state: State) => ({
  group: { uid: UID, status: kept<GatewayGroupStatus>(state.status), annotations: {} },
});

const approved: Happening = (state) => {
  const approveReturn = asked(howToReturn(groupOf(state)));
  if (state.words.approveReturn === approveReturn) return undefined;
  return { ...state, words: { ...state.words, approveReturn }, accepted: withOne(state.accepted, state.held) };
};

const exportAccepted: Happening = (state) => {
  if (state.raw === undefined) return undefined;
  const acceptSnapshot = asked(howToAccept(groupOf(state), digestOf(state.raw.content)));
  if (state.words.acceptSnapshot === acceptSnapshot) return undefined;
  const accepted = withOne(state.accepted, state.raw.content);
  return { ...state, words: { ...state.words, acceptSnapshot }, accepted };
};
const withOne = (all: readonly Content[], one: Content): readonly Content[] => [...new Set([...all, one])].toSorted();

const restartAsked: Happening = (state) =>
  state.words.restartAt === "r1" ? undefined : { ...state, words: { ...state.words, restartAt: "r1" } };

/** As an autoscaler does that targets the Deployment in place of the group, or a person with kubectl. */
const scaledBeside: Happening = (state) =>
  state.deployment === undefined || state.deployment.replicas <= 1
    ? undefined
    : { ...state, deployment: { ...state.deployment, replicas: 1, beside: true } };

const anotherWrites: Happening = (state) =>
  state.verified === undefined || state.verified.content === "foreign"
    ? undefined
    : { ...state, verified: { content: "foreign", ageS: 0, unseen: true } };

const paused: Happening = (state) =>
  state.deployment === undefined || state.deployment.paused
    ? undefined
    : { ...state, deployment: { ...state.deployment, paused: true } };

export const HAPPENINGS = {
  "control plane up": becomes("up"),
  "control plane down": becomes("down"),
  "control plane hangs": becomes("hangs"),
  "control plane slow": becomes("slow"),
  "database down": becomes("databaseDown"),
  "operator alone sees server errors": becomes("operatorSeesErrors"),
  "operator cut off": becomes("operatorCutOff"),
  "gateways cut off": becomes("gatewaysCutOff"),
  "node 0 cut off": set("nodeCut", true),
  "node 0 connected": set("nodeCut", false),
  "control plane back, emptied": backWith("empty"),
  "control plane back, another group's": backWith("foreign"),
  "control plane full": holds("full"),
  "control plane has one route more": holds("more"),
  "control plane has 30 % less": holds("less"),
  "control plane has half": holds("half"),
  "control plane has a tenth": holds("tenth"),
  "control plane emptied": holds("empty"),
  "control plane is another group's": holds("foreign"),
  "store down": set("storeUp", false),
  "store up": set("storeUp", true),
  "storage deleted": set("storage", false),
  "storage applied": set("storage", true),
  "exporter stuck": set("exporter", "stuck"),
  "export cannot be read": set("exporter", "unreadable"),
  "a normal pod dies": killed("normal"),
  "a pod from the snapshot dies": killed("fallback"),
  "all pods die": allKilled,
  "a pod is evicted and left behind": evicted,
  "a gateway says 503 for its own reasons": oneOdd,
  "gateways silent": set("votes", "silent"),
  "gateways notice late": set("votes", "late"),
  "operator restarts": (state) => {
    const memory = keep(emptyMemory());
    return state.memory === memory ? undefined : { ...state, memory };
  },
  "operator down": set("operatorUp", false),
  "operator up": (state) =>
    state.operatorUp ? undefined : { ...state, operatorUp: true, memory: keep(emptyMemory()) },
  "status lost": statusLost,
  "image v2": spec("image", "v2"),
  "image mistyped": spec("image", "bad"),
  "image v1": spec("image", "v1"),
  "certificate renewed": spec("certificate", 2),
  "scaled up": (state) => spec("replicas", Math.min(3, state.spec.replicas + 1))(state),
  "scaled down": (state) => spec("replicas", Math.max(1, state.spec.replicas - 1))(state),
  "policy Observe": spec("observes", true),
  "policy Auto": spec("observes", false),
  "override Fallback": ordered("Fallback"),
  "override Normal": ordered("Normal"),
  "override Hold": ordered("Hold"),
  "override Hodl": ordered("Hodl"),
  "override removed": ordered(undefined),
  "return approved": approved,
  "export accepted": exportAccepted,
  "restart-at": restartAsked,
  "Deployment paused": paused,
  "Deployment scaled by another": scaledBeside,
  "another exporter writes the verified key": anotherWrites,
  "quota full": (state) =>
    state.quota === undefined ? { ...state, quota: state.pods.filter(alive).length } : undefined,
  "quota raised": set("quota", undefined),
  "clock 5 min ahead": set("skewS", 300),
  "clock 20 min behind": set("skewS", -1200),
} as const satisfies Happenings;
export type HappeningName = keyof typeof HAPPENINGS;
